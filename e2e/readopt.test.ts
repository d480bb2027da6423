/** A job outlives its runner, its server and everything but its launcher. Real processes, killed for real. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Fault } from '../chaos/faults.ts'
import { filesUnder, signal } from '../chaos/host.ts'
import { operationOf } from '../chaos/scenario-parts.ts'
import type { Stand, Victim } from '../chaos/stand.ts'
import { trial, type Trial } from '../chaos/trial.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'
import { until } from './system.ts'

const usual = { RUNYARD_RUNNER_SLOTS: '6' }
/** An attempt lives on for 5 s without contact; it is given away after 6 s at the earliest. */
const short = {
  ...usual,
  RUNYARD_HEARTBEAT_SECONDS: '0.5',
  RUNYARD_LEASE_SECONDS: '4',
  RUNYARD_GRACE_SECONDS: '2',
}
const trustMs = 5000

const exit = (code: number) => ({ by: 'exit', code }) as const

async function startBoth({ stand }: Trial): Promise<void> {
  stand.server.start()
  await stand.serverReady()
  stand.runner.start()
  await stand.runnerReady()
}

const witnessed = (stand: Stand, tag: string): string => {
  try {
    return readFileSync(join(stand.witness.dir, tag), 'utf8')
  } catch {
    return ''
  }
}
const said = (stand: Stand, tag: string, word: string): Promise<unknown> =>
  until(`"${word}" of ${tag}`, async () => witnessed(stand, tag).includes(word), 40_000)

/** kill -9, noted for the checker; it counts as away until `back` is called. */
async function kill({ stand, faults }: Trial, victim: Victim): Promise<Fault> {
  const id = stand.victim(victim)!
  const fault: Fault = { nr: faults.length, victim, at: Date.now(), backAt: Infinity }
  faults.push(fault)
  if (victim === 'runner') await stand.runner.kill()
  else if (victim === 'server') await stand.server.kill()
  else signal(id, 'SIGKILL')
  return fault
}

test.skipIf(noSandbox)(
  'kill -9 of the runner: the next one goes on with its jobs, log and exit code are whole, also with secrets',
  async () => {
    const { violations, evidence } = await trial({ settings: usual }, async (all) => {
      const { stand, client } = all
      await startBoth(all)
      const drip = { drip: 300, burst: 20_000 }
      const operations = [
        operationOf(stand, { tag: 'open-0', ms: 6000, ...drip, code: 7 }, exit(7)),
        operationOf(stand, { tag: 'secret-0', ms: 6000, ...drip, code: 0 }, exit(0), {
          secret_env: { TOKEN: 'a word that nobody may read' },
        }),
        // These end while there is no runner: one by itself, one with children that must not survive it.
        operationOf(stand, { tag: 'orphan-0', ms: 1200, ...drip, code: 9 }, exit(9)),
        operationOf(stand, { tag: 'orphan-1', ms: 1200, ...drip, code: 0, children: 2 }, exit(0), {
          isolation: 'none',
          binds: undefined,
        }),
      ]
      await client().run(operations)
      for (const { tag } of operations) await said(stand, tag, 'beat')
      const fault = await kill(all, 'runner')
      await said(stand, 'orphan-0', 'end')
      await said(stand, 'orphan-1', 'end')
      stand.runner.start()
      await stand.runnerReady()
      fault.backAt = Date.now()
      return operations
    })
    expect(violations).toEqual([])
    expect(evidence.attempts.map(({ number, state }) => `${number} ${state}`).toSorted()).toEqual([
      '1 failed',
      '1 failed',
      '1 succeeded',
      '1 succeeded',
    ])
  },
  120_000,
)

test.skipIf(noSandbox)(
  'no server: what runs goes on up to its trust deadline and is reported later; what runs longer is dead by then',
  async () => {
    const { violations, evidence } = await trial({ settings: short }, async (all) => {
      const { stand, client } = all
      await startBoth(all)
      const operations = [
        operationOf(stand, { tag: 'ends-0', ms: 1500, drip: 100, burst: 5000, code: 4 }, exit(4)),
        operationOf(stand, { tag: 'long-0', ms: 9000, drip: 100, deaf: true, children: 1 }, exit(0), {
          max_attempts: 2,
        }),
      ]
      await client().run(operations)
      for (const { tag } of operations) await said(stand, tag, 'beat')
      const fault = await kill(all, 'server')
      await said(stand, 'ends-0', 'end')
      const alive = (): boolean => stand.jobs().length > 0
      await until('the end of what ran too long', async () => !alive(), 30_000)
      const livedMs = Date.now() - fault.at
      expect(livedMs).toBeGreaterThan(trustMs - 2000)
      expect(livedMs).toBeLessThan(trustMs + 3000)
      stand.server.start()
      await stand.serverReady()
      fault.backAt = Date.now()
      return operations
    })
    expect(violations).toEqual([])
    const of = (tag: string) =>
      evidence.attempts.filter(({ id }) => evidence.jobs.find((j) => j.id === id)?.tag === tag)
    expect(of('ends-0')).toMatchObject([{ number: 1, state: 'failed', outcome: { exit_code: 4 } }])
    expect(of('long-0')).toMatchObject([{ state: 'lost' }, { state: 'succeeded' }])
  },
  120_000,
)

test.skipIf(noSandbox)(
  'a runner that never comes back: its job is dead before another runner elsewhere starts it',
  async () => {
    const { violations, evidence } = await trial({ settings: short }, async (all) => {
      const { stand, client } = all
      await startBoth(all)
      const plan = { ms: 7000, drip: 50, deaf: true, children: 2 }
      const operations = [
        operationOf(stand, { tag: 'kept-0', ...plan }, exit(0), { max_attempts: 2 }),
        operationOf(stand, { tag: 'kept-1', ...plan }, exit(0), {
          max_attempts: 2,
          isolation: 'none',
          binds: undefined,
        }),
      ]
      await client().run(operations)
      for (const { tag } of operations) await said(stand, tag, 'child')
      const fault = await kill(all, 'runner')
      const second = stand.secondRunner('second')
      second.start()
      await stand.runnerReady('second')
      for (const { tag } of operations) await said(stand, tag, 'end')
      fault.backAt = Date.now()
      await second.stop()
      // What the first left on its disk goes when it is started again.
      stand.runner.start()
      await stand.runnerReady()
      return operations
    })
    expect(violations).toEqual([])
    expect(evidence.attempts.map(({ runner, state }) => `${runner} ${state}`).toSorted()).toEqual([
      'first lost',
      'first lost',
      'second succeeded',
      'second succeeded',
    ])
  },
  120_000,
)

test.skipIf(noSandbox)(
  'kill -9 of the launcher, then of launcher and runner: jobs run again, and nothing of the dead ones is left',
  async () => {
    const { violations } = await trial({ settings: usual }, async (all) => {
      const { stand, client, watcher } = all
      await startBoth(all)
      const plan = { ms: 4000, drip: 50, children: 2 }
      const again = { max_attempts: 4, retry: { backoff_seconds: 0, on: ['lost', 'infrastructure', 'signal'] } }
      const operations = [
        operationOf(stand, { tag: 'hurt-0', ...plan, code: 3 }, exit(3), again),
        operationOf(stand, { tag: 'hurt-1', ...plan }, exit(0), { ...again, isolation: 'none', binds: undefined }),
      ]
      await client().run(operations)
      const running = async (attempt: number): Promise<void> => {
        for (const { tag } of operations) {
          const begun = new RegExp(`child \\S+ ${attempt} `)
          await until(`attempt ${attempt} of ${tag}`, async () => begun.test(witnessed(stand, tag)), 40_000)
        }
        watcher.learn()
      }
      await running(1)
      const first = await kill(all, 'launcher')
      await running(2)
      first.backAt = Date.now()
      const both = [await kill(all, 'runner'), await kill(all, 'launcher')]
      await sleep(100)
      stand.runner.start()
      await stand.runnerReady()
      for (const fault of both) fault.backAt = Date.now()
      for (const { tag } of operations) await said(stand, tag, 'end')
      // Empty files may be kept for the next ones while the runner lives.
      const spooled = (): string[] =>
        filesUnder(join(stand.dataDir, 'runner')).filter((file) => statSync(file.split(' ')[1]!).size > 0)
      await until('an empty spool while the runner lives', async () => spooled().length === 0, 20_000)
      expect(stand.jobs()).toEqual([])
      return operations
    })
    expect(violations).toEqual([])
  },
  120_000,
)
