/**
 * Small directed runs, one for each broken build: short, and made so that the mistake must show. The intact build comes
 * out of the same run without a violation.
 */
import pg from 'pg'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fakeRunner } from '../test/fake-runner.ts'
import { until } from '../e2e/system.ts'
import type { brokenBuilds } from './broken-builds.ts'
import { signal } from './host.ts'
import type { Expected, Operation, Plan } from './load.ts'
import { randomOf } from './random.ts'
import type { Stand } from './stand.ts'
import { trial, type Trial, type TrialResult } from './trial.ts'

export type ScenarioName = keyof typeof brokenBuilds

/** As short as leases can be on a machine that has other things to do. */
const settings = {
  RUNYARD_HEARTBEAT_SECONDS: '1',
  RUNYARD_LEASE_SECONDS: '6',
  RUNYARD_GRACE_SECONDS: '2',
  RUNYARD_RUNNER_SLOTS: '8',
}

const scenarios: Record<ScenarioName, (trial: Trial, seed: string) => Promise<Operation[]>> = {
  /** Big talkers that end at the height of their words: at the exit most of it is still on its way. */
  async exitIsEnd({ stand, client }, seed) {
    const random = randomOf(seed)
    stand.server.start()
    await stand.serverReady()
    stand.runner.start()
    await stand.runnerReady()
    const operations = Array.from({ length: 2 }, (_, nr) => {
      const plan = { tag: `talker-${nr}`, burst: 20_000_000 + random.int(0, 1_000_000) }
      return operationOf(stand, plan, { by: 'exit', code: 0 })
    })
    await client().run(operations)
    return operations
  },

  /** The submit's transaction waits for a lock of ours; the server dies before it gets it. */
  async ackBeforeCommit({ stand, client, faults, history }) {
    stand.server.start()
    await stand.serverReady()
    const operations = ['early-0', 'early-1'].map((tag) => ({
      ...operationOf(stand, { tag, stdout: 100 }, { by: 'exit', code: 0 }),
      batch: 1,
    }))
    const lock = await lockJobs(stand)
    const submitted = client().run(operations)
    await until('the submit to wait, or to be answered', async () => history.entries.some(isSubmit) || lock.hasWaiter())
    const answered = history.entries.some(isSubmit)
    faults.push({ nr: 0, victim: 'server', id: stand.server.id()!, at: Date.now(), backAt: Infinity })
    await stand.server.kill()
    await lock.release()
    stand.server.start()
    await stand.serverReady()
    faults[0]!.backAt = Date.now()
    if (!answered) await until('the answer to the second try', async () => history.entries.some(isAcknowledged), 30_000)
    stand.runner.start()
    await stand.runnerReady()
    await submitted
    return operations
  },

  /** A runner falls silent and its job is given to another; then it wakes up and reports the end. */
  async finishWithoutToken({ stand, client, faults }) {
    stand.server.start()
    await stand.serverReady()
    const ghost = await fakeRunner(join(stand.runDir, 'runner.sock'), { name: 'ghost' })
    const plan = { tag: 'twice-0', ms: 2500, stdout: 1000, code: 3 }
    const operation = operationOf(stand, plan, { by: 'exit', code: 3 }, { max_attempts: 2 })
    const claimed = ghost.claimOne()
    await client().run([operation])
    const old = await claimed
    await ghost.started(old)
    const id = { pid: process.pid, startTime: '' }
    faults.push({ nr: 0, victim: 'runner', id, at: Date.now(), backAt: Infinity })
    const lost = `select 1 from attempts where state = 'lost'`
    await until('the lease to be given away', async () => (await stand.sql(lost)).length > 0, 40_000)
    faults[0]!.backAt = Date.now()
    stand.runner.start()
    const begun = (): boolean => readFileSync(join(stand.witness.dir, plan.tag), 'utf8').includes('beat')
    await until('the second attempt', async () => begun(), 40_000)
    await ghost.finish(old, { state: 'succeeded', exit_code: 0, remaining_processes: 0 })
    return [operation]
  },

  /** Runner and launcher die with a job; who comes next has another name, so that nothing here is its own. */
  async noSweep({ stand, client, faults, watcher }) {
    stand.server.start()
    await stand.serverReady()
    stand.runner.start()
    await stand.runnerReady()
    const operations = ['deaf', 'open'].map((tag) =>
      operationOf(
        stand,
        { tag: `${tag}-0`, ms: 60_000, children: 1, deaf: true },
        { by: 'cancel' },
        tag === 'open' ? { isolation: 'none', binds: undefined } : {},
      ),
    )
    await client().run(operations)
    const alive = async (): Promise<boolean> =>
      operations.every(({ tag }) => readFileSync(join(stand.witness.dir, tag), 'utf8').includes('child'))
    await until('the jobs', alive)
    watcher.learn()
    for (const victim of ['runner', 'launcher'] as const) {
      const id = stand.victim(victim)!
      faults.push({ nr: faults.length, victim, id, at: Date.now(), backAt: Date.now() + 5000 })
      if (victim === 'runner') await stand.runner.kill()
      else signal(id, 'SIGKILL')
    }
    stand.runner.start({ RUNYARD_RUNNER_NAME: 'another' })
    await stand.runnerReady('another')
    return operations
  },
}

export const runScenario = (name: ScenarioName, options: { root?: string; seed: string }): Promise<TrialResult> =>
  trial({ root: options.root, settings, patienceMs: 60_000 }, (each) => scenarios[name](each, options.seed))

const isSubmit = (entry: { op: string }): boolean => entry.op === 'submit'
const isAcknowledged = (entry: { op: string; answer?: string }): boolean =>
  entry.op === 'submit' && entry.answer === 'acknowledged'

export function operationOf(
  stand: Stand,
  plan: Plan,
  expected: Expected,
  spec: Record<string, unknown> = {},
): Operation {
  const command = [...stand.witness.command, JSON.stringify(plan)]
  const retry = { backoff_seconds: 0, on: ['lost'] }
  return {
    tag: plan.tag,
    kind: plan.tag,
    expected,
    atMs: 0,
    keyed: true,
    spec: { name: plan.tag, command, binds: stand.witness.binds, retry, ...spec },
  }
}

/** Nobody can write into `jobs` until it is released. */
async function lockJobs(stand: Stand): Promise<{ hasWaiter(): Promise<boolean>; release(): Promise<void> }> {
  const client = new pg.Client(stand.database())
  client.on('error', () => {}) // its server dies
  await client.connect()
  await client.query('begin')
  await client.query('lock table jobs in share mode')
  return {
    hasWaiter: async () => (await stand.sql(`select 1 from pg_locks where not granted`)).length > 0,
    release: () => client.end().catch(() => {}),
  }
}
