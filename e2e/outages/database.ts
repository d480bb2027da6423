/** The database goes away and comes back. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { accountFor } from '../../src/db/embedded/account.ts'
import { majorVersion, placeBinaries } from '../../src/db/embedded/binaries.ts'
import { cleanEnv } from '../../src/db/embedded/cluster.ts'
import { ended, until } from '../system.ts'
import { ask, askAll, assertRefused, submitAllTheTime, watchHealth, type Answer } from './probes.ts'
import { withRig, type Rig } from './rig.ts'
import { assertNoOverlap, assertUnharmed } from './witness.ts'

export type Say = (text: string) => void
type Settings = Record<string, string>

/** Well inside the lease: nobody notices but those who ask meanwhile. */
export async function shortOutage(
  { how, seconds }: { how: 'kill' | 'immediate'; seconds: number },
  say: Say = () => {},
): Promise<void> {
  await withRig({ ownPostgres: {} }, async (rig) => {
    const endedJob = await anEndedJob(rig)
    const jobs = await runningJobs(rig, 3, seconds + 3)
    const pids = [await rig.serverPid(), await rig.runnerPid(), rig.launcherPid()]
    const health = watchHealth(rig)
    const submitter = submitAllTheTime(rig)
    await sleep(300)

    await rig.postgres!.down(how)
    const answers = await askUntil(performance.now() + seconds * 1000, () => askAll(rig, endedJob))
    assertRefused(answers)
    say(`${answers.length} requests refused, the slowest after ${longest(answers)} ms`)
    assert.equal((await ask(rig, 'GET', '/ready')).status, 503)

    await rig.postgres!.up()
    say(`healthy ${await healthyAgain(rig)} ms after the database`)
    say(`${await submitter.settle()} keyed submits, each exactly one job`)
    const stall = await health()
    say(`longest wait for /health ${Math.round(stall)} ms`)
    assert(stall < 2_000, `the server stood still for ${stall} ms`)
    assert.deepEqual([await rig.serverPid(), await rig.runnerPid(), rig.launcherPid()], pids)
    for (const pid of pids) process.kill(pid, 0)
    for (const id of jobs) await assertUnharmed(rig.system, rig.witness, id)
    assert.equal(await rig.stopRunner(), 0)
    assert.equal(await rig.stopServer(), 0)
  })
}

/** Longer than lease and grace: the keeper ends the attempts, and they are queued again where attempts remain. */
export async function longOutage(
  { seconds, settings = {} }: { seconds: number; settings?: Settings },
  say: Say = () => {},
): Promise<void> {
  await withRig({ settings, ownPostgres: {} }, async (rig) => {
    const again = { max_attempts: 2, retry: { backoff_seconds: 0 } }
    const [twice] = await runningJobs(rig, 1, seconds + 2, again)
    const [once] = await runningJobs(rig, 1, seconds + 2)
    await rig.postgres!.down('kill')
    await sleep(seconds * 1000)
    await rig.postgres!.up()
    say(`healthy ${await healthyAgain(rig)} ms after the database`)
    const lost = await ended(rig.system, once!)
    assert.deepEqual([lost.state, lost.result?.error_class], ['lost', 'lost'])
    const job = await assertNoOverlap(rig.system, rig.witness, twice!, (seconds + 60) * 1000)
    assert.equal(job.attempts_spent, 2)
    const { attempts } = await rig.system.api.calls.jobs.attempts({ id: twice! })
    assert.deepEqual(
      attempts.map(({ state }) => state),
      ['lost', 'succeeded'],
    )
    const [first] = await rig.witness.lives(once!)
    say(`the attempts were ended ${Math.round(first!.to - first!.from)} s after their begin`)
  })
}

/** Connections are cut in the middle of whatever they do, again and again, while jobs run and are submitted. */
export async function cutTransactions({ seconds }: { seconds: number }, say: Say = () => {}): Promise<void> {
  await withRig({ ownPostgres: {} }, async (rig) => {
    const jobs = await runningJobs(rig, 2, seconds + 1)
    const submitter = submitAllTheTime(rig, 20)
    const end = performance.now() + seconds * 1000
    let cut = 0
    while (performance.now() < end) {
      const rows = await rig.postgres!.query<{ cut: boolean }>(
        `select pg_terminate_backend(pid) as cut from pg_stat_activity
         where datname = 'runyard' and pid <> pg_backend_pid() and state <> 'idle'`,
      )
      cut += rows.length
      await sleep(10)
    }
    assert(cut > 0, 'no transaction was met')
    const keys = await submitter.settle()
    say(`${cut} connections cut; ${keys} keyed submits, each exactly one job`)
    await allEnded(rig)
    for (const id of jobs) await assertUnharmed(rig.system, rig.witness, id)
  })
}

/** The embedded PostgreSQL dies: its server starts it again by itself. */
export async function embeddedDies(say: Say = () => {}): Promise<void> {
  await withRig({}, async (rig) => {
    const [job] = await runningJobs(rig, 1, 6)
    const pgData = join(rig.system.dataDir, `pg${majorVersion}`)
    const postmaster = async () => Number((await readFile(join(pgData, 'postmaster.pid'), 'utf8')).split('\n')[0])
    const account = await accountFor(pgData)
    const pgCtl = join(await placeBinaries(rig.system.dataDir, account), 'bin', 'pg_ctl')
    for (const how of ['kill', 'immediate'] as const) {
      const before = await postmaster()
      if (how === 'kill') process.kill(before, 'SIGKILL')
      else {
        // Without waiting: the next one is there before pg_ctl looks again.
        const args = ['stop', '-W', '-m', 'immediate', '-D', pgData]
        await promisify(execFile)(pgCtl, args, { cwd: '/', env: cleanEnv, ...account })
      }
      await until('another postmaster', async () => (await postmaster()) !== before, 10_000)
      say(`${how}: healthy again after ${await healthyAgain(rig)} ms`)
    }
    await assertUnharmed(rig.system, rig.witness, job!)
    assert.equal(await rig.stopServer(), 0)
  })
}

export async function anEndedJob(rig: Rig): Promise<string> {
  const id = await rig.submit({ command: ['true'] })
  await ended(rig.system, id)
  return id
}

export async function runningJobs(rig: Rig, count: number, seconds: number, more = {}): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push(await rig.submit(rig.witness.job(seconds, more)))
  for (const id of ids) await until(`the first beat of ${id}`, async () => (await rig.witness.lives(id)).length > 0)
  return ids
}

async function askUntil(end: number, round: () => Promise<Answer[]>): Promise<Answer[]> {
  const answers: Answer[] = []
  while (performance.now() < end) {
    answers.push(...(await round()))
    await sleep(Math.min(300, Math.max(0, end - performance.now())))
  }
  return answers
}

const longest = (answers: Answer[]): number => Math.round(Math.max(...answers.map(({ ms }) => ms)))

/** A read and a write that get through; how long that took. */
export async function healthyAgain(rig: Rig, withinMs = 10_000): Promise<number> {
  const begun = performance.now()
  await until(
    'a healthy server',
    async () => {
      await sleep(100)
      const body = { command: ['true'], name: 'after the outage' }
      const [ready, submit] = await Promise.all([ask(rig, 'GET', '/ready'), ask(rig, 'POST', '/jobs', body)])
      return ready.status === 200 && submit.status === 202
    },
    withinMs,
  )
  return Math.round(performance.now() - begun)
}

/** Nothing waits and nothing runs. */
export async function allEnded(rig: Rig, ms = 60_000): Promise<void> {
  await until(
    'the end of all jobs',
    async () => {
      const { waiting, running } = await rig.system.api.calls.jobs.stats()
      return waiting + running === 0
    },
    ms,
  )
}
