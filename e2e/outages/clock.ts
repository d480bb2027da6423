/** The date of one process jumps, by an hour or a day, forward and back, while jobs run. */
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApiClient } from '../../src/api/client.ts'
import { ended, until } from '../system.ts'
import { runningJobs, type Say } from './database.ts'
import { withRig, type Rig } from './rig.ts'
import { assertUnharmed } from './witness.ts'

const hour = 3600
type Who = 'server' | 'runner' | 'database'

const library = globSync('/usr/lib/*/faketime/libfaketime.so.1')[0]
/** Why the database's clock cannot be set here; undefined when it can. */
export const fakeTimeMissing = library === undefined ? 'no libfaketime (package faketime)' : undefined

interface Clocks {
  set(who: Who, seconds: number): Promise<void>
}

export interface ClockOptions {
  jumps: Partial<Record<Who, readonly number[]>>
  /** Of the runner that takes jobs over. */
  takeOver: readonly number[]
  /** How long each date holds. */
  seconds: number
}

export async function clockJumps(options: ClockOptions, say: Say = () => {}): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'runyard-clocks-'))
  await chmod(dir, 0o755)
  const fileOf = (who: Who): string => join(dir, who)
  const shifted = (who: Who): NodeJS.ProcessEnv => ({
    TEST_CLOCK_FILE: fileOf(who),
    NODE_OPTIONS: `--import=${new URL('./shifted-clock.ts', import.meta.url).href}`,
  })
  const clocks: Clocks = {
    set: (who, seconds) =>
      writeFile(fileOf(who), who === 'database' ? `${seconds < 0 ? '' : '+'}${seconds}` : String(seconds * 1000)),
  }
  for (const who of ['server', 'runner', 'database'] as const) await clocks.set(who, 0)
  const preload: Record<string, string> | undefined =
    library === undefined
      ? undefined
      : {
          LD_PRELOAD: library,
          FAKETIME_TIMESTAMP_FILE: fileOf('database'),
          FAKETIME_NO_CACHE: '1',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        }
  try {
    const env = { serverEnv: shifted('server'), runnerEnv: { ...shifted('runner'), RUNYARD_LOG_LEVEL: 'debug' } }
    await withRig({ ...env, ownPostgres: { preload } }, async (rig) => {
      await useLastingToken(rig)
      if (fakeTimeMissing) say(`the database's clock stays as it is: ${fakeTimeMissing}`)
      const all: Who[] = fakeTimeMissing ? ['server', 'runner'] : ['server', 'runner', 'database']
      for (const who of all) {
        const asked = options.jumps[who] ?? []
        for (const jump of asked) await oneJump(rig, clocks, who, jump, options.seconds)
        say(`${who}: the date jumped ${asked.map((s) => `${s / hour} h`).join(', ')}; no job felt it`)
      }
      for (const jump of options.takeOver) await timeoutsHold(rig, clocks, jump, say)
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** A session's own end goes by the date, as it must. */
async function useLastingToken(rig: Rig): Promise<void> {
  rig.system.token = await rig.localToken()
  rig.system.api = createApiClient({ baseUrl: rig.system.url, token: rig.system.token })
}

async function oneJump(rig: Rig, clocks: Clocks, who: Who, jump: number, seconds: number): Promise<void> {
  const [job] = await runningJobs(rig, 1, seconds + 2)
  await clocks.set(who, jump)
  try {
    await sleep((seconds * 1000) / 2)
    await assertShifted(rig, who, jump)
    const begun = performance.now()
    const short = await rig.submit({ command: ['sleep', '30'], timeout_seconds: 1, stop_grace_seconds: 0 })
    const late = await rig.submit({ command: ['true'], delay_seconds: 0.5 })
    assert.equal((await ended(rig.system, short, 20_000)).state, 'timed_out')
    assert(performance.now() - begun >= 1000, 'timed out early')
    const other = await ended(rig.system, late, 20_000)
    assert.equal(other.state, 'succeeded')
    assert(other.duration_ms! >= 0 && other.duration_ms! < 20_000, `it took ${other.duration_ms} ms`)
    await assertUnharmed(rig.system, rig.witness, job!)
  } finally {
    await clocks.set(who, 0)
  }
  // And the jump back again.
  const after = await rig.submit({ command: ['true'] })
  assert.equal((await ended(rig.system, after, 20_000)).state, 'succeeded')
}

/** A jump that nobody made would prove nothing. */
async function assertShifted(rig: Rig, who: Who, jump: number): Promise<void> {
  const off = (await dateOf[who](rig)) - Date.now() - jump * 1000
  assert(Math.abs(off) < 60_000, `the date of the ${who} is ${off} ms from where it should be`)
}

const dateOf: Record<Who, (rig: Rig) => Promise<number>> = {
  async server(rig) {
    const { access_token: token } = await rig.system.api.passwordGrant('admin', 'correct horse battery')
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { iat: number }
    return claims.iat * 1000
  },
  // What it logs of the job that is running. Output is stamped by the launcher, whose date decides nothing.
  async runner(rig) {
    await ended(rig.system, await rig.submit({ command: ['true'] }))
    const times = [...rig.said().matchAll(/^(?:runner: )?\{"level":"debug","time":"([^"]+)".*"msg":"attempt\./gm)]
    return Date.parse(times.at(-1)![1]!)
  },
  async database(rig) {
    const [row] = await rig.postgres!.query<{ ms: string }>('select extract(epoch from clock_timestamp()) * 1000 as ms')
    return Number(row!.ms)
  },
}

/** A runner that takes a job over goes on with its time, whatever the date is by then. */
async function timeoutsHold(rig: Rig, clocks: Clocks, jump: number, say: Say): Promise<void> {
  const fits = await rig.submit(rig.witness.job(5, { timeout_seconds: 60 }))
  const limited = await rig.submit({ command: ['sleep', '60'], timeout_seconds: 4, stop_grace_seconds: 0 })
  await until('both running', async () => {
    const jobs = await Promise.all([fits, limited].map((id) => rig.system.api.calls.jobs.get({ id })))
    return jobs.every(({ state }) => state === 'running')
  })
  const begun = performance.now()
  await rig.stopRunner('SIGKILL')
  await clocks.set('runner', jump)
  rig.startRunner()
  const job = await ended(rig.system, limited, 20_000)
  assert.equal(job.state, 'timed_out', JSON.stringify(job.result))
  const after = performance.now() - begun
  assert(after > 2_000 && after < 15_000, `timed out after ${after} ms`)
  await assertUnharmed(rig.system, rig.witness, fits)
  say(`taken over ${jump / hour} h off: timed out after ${Math.round(after)} ms of 4000, the other ran to its end`)
  await clocks.set('runner', 0)
}
