/**
 * The system that the cases measure: `runyard up` with a runner for light jobs (32 slots, so that claims and reports
 * share their calls), isolation "none" allowed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { startSystem, until, type System } from '../e2e/system.ts'

export interface Spec {
  command: string[]
  [field: string]: unknown
}

export async function withSystem<T>(measure: (system: System) => Promise<T>): Promise<T> {
  const system = await startSystem({
    RUNYARD_ALLOW_ISOLATION_NONE: 'true',
    RUNYARD_RUNNER_SLOTS: '32',
    RUNYARD_LOG_LEVEL: 'warn',
  })
  try {
    await until('the runner', async () => (await system.api.calls.runners.list()).runners.length > 0)
    return await measure(system)
  } finally {
    await system.stop()
  }
}

export const rootOf = (system: System): number => system.up?.pid ?? 0

/** The look at the counts costs the server something as well: seldom enough not to be what is measured. */
const lookEveryMs = 200

/** All in one call; resolves when every job of the system has ended. */
export async function runAll(system: System, jobs: Spec[]): Promise<void> {
  await system.api.calls.jobs.submitMany({ jobs } as never)
  for (;;) {
    await sleep(lookEveryMs)
    const stats = await system.api.calls.jobs.stats()
    if (stats.waiting + stats.running === 0) return
  }
}

export const submitOne = async (system: System, job: Spec): Promise<string> =>
  ((await system.api.calls.jobs.submit(job as never)) as { id: string }).id
