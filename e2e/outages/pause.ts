/** Processes that stand still for a while (SIGSTOP, SIGCONT): a debugger, a starved host, a frozen container. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { healthyAgain, runningJobs, type Say } from './database.ts'
import { submitAllTheTime } from './probes.ts'
import { medium, withRig, type Rig } from './rig.ts'
import { assertNoOverlap, assertUnharmed } from './witness.ts'

export const parts = ['server', 'runner', 'launcher', 'postmaster', 'backend'] as const
export type Part = (typeof parts)[number]

export interface PauseOptions {
  leaseSeconds: number
  rounds: { parts: readonly Part[]; leases: readonly number[] }[]
  settings?: Record<string, string>
}

/** A shorter one may run out by itself on a busy host. */
const steadyLeaseSeconds = 6

const again = { max_attempts: 3, retry: { backoff_seconds: 0 } }

export async function pauses(options: PauseOptions, say: Say = () => {}): Promise<void> {
  await withRig({ settings: options.settings, ownPostgres: {} }, async (rig) => {
    await rig.startRunnerElsewhere()
    for (const { parts: chosen, leases } of options.rounds) {
      for (const part of chosen) for (const many of leases) await pauseOne(rig, part, many, options.leaseSeconds, say)
    }
  })
}

/**
 * The other runner stands ready to take what is given away; then two attempts at a time would show. Half a lease harms
 * nobody, and neither does any pause of a process that a running job does not need.
 */
async function pauseOne(rig: Rig, part: Part, leases: number, leaseSeconds: number, say: Say): Promise<void> {
  const seconds = leases * leaseSeconds
  const job = await jobAtHome(rig, seconds + 2)
  const submitter = submitAllTheTime(rig, 500)
  const pid = await pidOf(rig, part)
  process.kill(pid, 'SIGSTOP')
  try {
    await sleep(seconds * 1000)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  const healthy = await healthyAgain(rig)
  const keys = await submitter.settle()
  const harmless = leases <= 0.5 || part === 'launcher' || part === 'postmaster'
  if (harmless && leaseSeconds >= steadyLeaseSeconds) {
    await assertUnharmed(rig.system, rig.witness, job)
  } else await assertNoOverlap(rig.system, rig.witness, job, 120_000)
  const { attempts } = await rig.system.api.calls.jobs.attempts({ id: job })
  const lives = attempts.map(({ state, runner }) => `${state} on ${runner}`).join(', ')
  say(`${part} still for ${seconds} s: ${lives}; healthy ${healthy} ms later, ${keys} submits`)
}

/** On the runner, and under the launcher, that are about to stand still. */
async function jobAtHome(rig: Rig, seconds: number): Promise<string> {
  for (;;) {
    const [job] = await runningJobs(rig, 1, seconds, again)
    const { attempts } = await rig.system.api.calls.jobs.attempts({ id: job! })
    if (attempts[0]!.runner !== 'elsewhere') return job!
    await rig.system.api.calls.jobs.cancel({ id: job!, force: true })
  }
}

async function pidOf(rig: Rig, part: Part): Promise<number> {
  if (part === 'server') return rig.serverPid()
  if (part === 'runner') return rig.runnerPid()
  if (part === 'launcher') return rig.launcherPid()
  if (part === 'postmaster') return rig.postgres!.pid()
  const [backend] = await rig.postgres!.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name like 'runyard %' and usename = 'runyard'
     order by application_name ~ 'runyard [0-9]+$' desc, query_start desc limit 1`,
  )
  assert(backend, 'the server has no connection')
  return backend.pid
}

/**
 * A launcher that stood still while its runner extended the jobs' deadlines and was then killed. What it finds in its
 * socket when it goes on was said long ago and must not keep a job alive beyond the time it was said for.
 */
export async function staleExtensions(say: Say = () => {}): Promise<void> {
  await withRig({ settings: medium, ownPostgres: {} }, async (rig) => {
    const leaseSeconds = Number(medium.RUNYARD_LEASE_SECONDS)
    const [job] = await runningJobs(rig, 1, leaseSeconds * 5, again)
    const launcher = rig.launcherPid()
    await rig.startRunnerElsewhere()
    process.kill(launcher, 'SIGSTOP')
    try {
      await sleep(leaseSeconds * 1000)
      await rig.stopRunner('SIGKILL')
      // Just before the keeper's bound, counted from the last heartbeat.
      await sleep(leaseSeconds * 1100)
    } finally {
      process.kill(launcher, 'SIGCONT')
    }
    const ended = await assertNoOverlap(rig.system, rig.witness, job!, 60_000)
    say(`the job ended in attempt ${ended.last_attempt}; none overlapped`)
  })
}
