/**
 * Small directed runs, one for each broken build: short, and made so that the mistake must show. The intact build comes
 * out of the same run without a violation.
 */
import pg from 'pg'
import { createClient } from '@connectrpc/connect'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ReportResult, RunnerService } from '../src/api/grpc/gen/runyard/runner/v1/runner_pb.js'
import { fakeRunner } from '../test/fake-runner.ts'
import { until } from '../e2e/system.ts'
import type { brokenBuilds } from './broken-builds.ts'
import { processOf, signal } from './host.ts'
import { runnerTransport } from './runner-transport.ts'
import type { Operation } from './load.ts'
import { randomOf } from './random.ts'
import { begun, calm, operationOf, startBoth } from './scenario-parts.ts'
import type { Stand } from './stand.ts'
import { trial, type Trial, type TrialResult } from './trial.ts'

export type ScenarioName = keyof typeof brokenBuilds

/** As short as leases can be on a machine that has other things to do. */
const shortest = {
  RUNYARD_HEARTBEAT_SECONDS: '1',
  RUNYARD_LEASE_SECONDS: '6',
  RUNYARD_GRACE_SECONDS: '2',
  RUNYARD_RUNNER_SLOTS: '8',
}

type Scenario = (trial: Trial, seed: string) => Promise<Operation[]>

/** Several mistakes show in one and the same run. */
export const scenarios: Record<ScenarioName, Scenario> = {
  dependenciesIgnored: calm,
  capIgnored: calm,
  keyIgnored: calm,
  cancelUnnoted: calm,
  secretsUnmasked: calm,

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
  async ackBeforeCommit({ stand, faults, history, client }) {
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
    faults.push({ nr: 0, victim: 'server', at: Date.now(), backAt: Infinity })
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
  async finishWithoutToken({ stand, faults, client }) {
    stand.server.start()
    await stand.serverReady()
    const ghost = await fakeRunner(join(stand.runDir, 'runner.sock'), { name: 'ghost' })
    const plan = { tag: 'twice-0', ms: 7000, stdout: 1000, code: 3 }
    const operation = operationOf(stand, plan, { by: 'exit', code: 3 }, { max_attempts: 2 })
    const claimed = ghost.claimOne()
    await client().run([operation])
    const old = await claimed
    await ghost.started(old)
    faults.push({ nr: 0, victim: 'runner', at: Date.now(), backAt: Infinity })
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
  async noSweep({ stand, faults, watcher, client }) {
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
      faults.push({ nr: faults.length, victim, at: Date.now(), backAt: Date.now() + 5000 })
      if (victim === 'runner') await stand.runner.kill()
      else signal(id, 'SIGKILL')
    }
    stand.runner.start({ RUNYARD_RUNNER_NAME: 'another' })
    await stand.runnerReady('another')
    return operations
  },

  /** The server is away for longer than lease and grace; a job ends meanwhile, and its runner has it to report. */
  async noGraceAfterOutage({ stand, faults, client }) {
    await startBoth(stand)
    const operation = operationOf(
      stand,
      { tag: 'meanwhile-0', ms: 2500, stdout: 1000, code: 3 },
      { by: 'exit', code: 3 },
    )
    await client().run([operation])
    await until('the job', async () => begun(stand, operation))
    faults.push({ nr: 0, victim: 'server', outage: true, at: Date.now(), backAt: Infinity })
    await stand.server.kill()
    await sleep(13_000)
    // The runner is the last to notice that the server is back, well within a lease.
    const runner = stand.runner.id()!
    signal(runner, 'SIGSTOP')
    stand.server.start()
    try {
      await stand.serverReady()
      await sleep(2500)
    } finally {
      signal(runner, 'SIGCONT')
    }
    faults[0]!.backAt = Date.now()
    return [operation]
  },

  /** The session that hears the database's notices stands still; a runner with free slots waits for work. */
  async noticeWithoutPoll({ stand, faults, client }) {
    await startBoth(stand)
    const [row] = await stand.sql<{ pid: number }>(
      `select pid from pg_stat_activity where application_name like 'runyard % listen'`,
    )
    const listener = processOf(row!.pid)!
    faults.push({ nr: 0, victim: 'link', what: 'F8 notices stop', at: Date.now(), backAt: Infinity })
    signal(listener, 'SIGSTOP')
    try {
      const operations = [4000, 100].map((ms, nr) => ({
        ...operationOf(stand, { tag: `quiet-${nr}`, ms }, { by: 'exit', code: 0 }),
        promptMs: 3000,
      }))
      // The second one comes when the runner has just asked, and the first one is far from its end.
      for (const operation of operations) {
        await client().run([operation])
        await until('it to begin', async () => begun(stand, operation), 20_000)
      }
      return operations
    } finally {
      signal(listener, 'SIGCONT')
      faults[0]!.backAt = Date.now()
    }
  },

  /** The server's date is an hour behind; nothing else happens. */
  async leaseByLocalClock({ stand, client }) {
    const clock = join(stand.dir, 'clock')
    writeFileSync(clock, '0')
    const shifted = fileURLToPath(new URL('../e2e/outages/shifted-clock.ts', import.meta.url))
    stand.server.start({ TEST_CLOCK_FILE: clock, NODE_OPTIONS: `--import=${shifted}` })
    await stand.serverReady()
    stand.runner.start()
    await stand.runnerReady()
    const operation = operationOf(stand, { tag: 'calm-0', ms: 8000 }, { by: 'exit', code: 0 })
    // A session that began before the account did would be refused: the date jumps when it is there.
    writeFileSync(clock, '-3600000')
    await sleep(200)
    await client().run([operation])
    return [operation]
  },

  /** A job ends; somebody who knows its token says afterwards that it ended otherwise. */
  async finishWithoutState({ stand, client, replays }) {
    await startBoth(stand)
    const operation = operationOf(stand, { tag: 'over-0' }, { by: 'exit', code: 0 }, { max_attempts: 1 })
    await client().run([operation])
    const { runnerId, session, ...ref } = await until('its end', async () => {
      const [row] = await stand.sql<{
        jobKey: string
        number: number
        token: string
        runnerId: string
        session: string
      }>(
        `select j.id::text as "jobKey", a.number, a.token::text, r.id::text as "runnerId", r.session
         from attempts a join jobs j on j.id = a.job_id join runners r on r.id = a.runner_id where j.state = 'succeeded'`,
      )
      return row
    })
    // The watcher must have seen the first end.
    await sleep(600)
    const rpc = createClient(RunnerService, runnerTransport(join(stand.runDir, 'runner.sock')))
    const outcomeJson = JSON.stringify({ state: 'failed', exit_code: 9, error_class: 'exit', remaining_processes: 0 })
    const report = { ref, outcomeJson, logLength: 0n, log: new Uint8Array() }
    const { results } = await rpc.finish({ runnerId, session, reports: [report] })
    const accepted = results[0] === ReportResult.ACCEPTED
    const how = 'the token of an attempt that has ended'
    const said = { kind: 'finish', how, repeated: true as const, server: 'server', token: ref.token }
    replays.push({ ...said, accepted, answer: String(results[0]) })
    await sleep(600)
    return [operation]
  },

  /** The runner's machine dies with a job and comes back when the job was given up; its only slot must be free again. */
  async slotCounter({ stand, faults, client }) {
    await startBoth(stand)
    const plan = { tag: 'again-0', ms: 2500, code: 3 }
    const operation = operationOf(stand, plan, { by: 'exit', code: 3 }, { max_attempts: 2 })
    await client().run([operation])
    await until('the job', async () => begun(stand, operation))
    const launcher = stand.victim('launcher')!
    faults.push({ nr: 0, victim: 'launcher', at: Date.now(), backAt: Infinity })
    await stand.runner.kill()
    signal(launcher, 'SIGKILL')
    const lost = `select 1 from attempts where state = 'lost'`
    await until('the lease to be given away', async () => (await stand.sql(lost)).length > 0, 40_000)
    stand.runner.start()
    await stand.runnerReady()
    faults[0]!.backAt = Date.now()
    return [operation]
  },
}

/** Where the shortest leases would hide the mistake, or come too close to what is measured. */
const otherwise: Partial<Record<ScenarioName, { settings?: Record<string, string>; patienceMs?: number }>> = {
  noGraceAfterOutage: { settings: { ...shortest, RUNYARD_LEASE_SECONDS: '8' } },
  // A runner asks anew after a sixth of its lease and grace, which is a poll as well.
  noticeWithoutPoll: { settings: { RUNYARD_RUNNER_SLOTS: '8' } },
  slotCounter: { settings: { ...shortest, RUNYARD_RUNNER_SLOTS: '1' }, patienceMs: 12_000 },
}

export const runScenario = (name: ScenarioName, options: { root?: string; seed: string }): Promise<TrialResult> => {
  const { settings = shortest, patienceMs = 60_000 } = otherwise[name] ?? {}
  return trial({ root: options.root, settings, patienceMs }, (each) => scenarios[name](each, options.seed))
}

const isSubmit = (entry: { op: string }): boolean => entry.op === 'submit'
const isAcknowledged = (entry: { op: string; answer?: string }): boolean =>
  entry.op === 'submit' && entry.answer === 'acknowledged'

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
