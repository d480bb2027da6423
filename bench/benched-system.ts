/** The system that the cases measure: `runyard up` with eight slots, isolation "none" allowed. */
import { startSystem, until, type System } from '../e2e/system.ts'

export interface Spec {
  command: string[]
  [field: string]: unknown
}

export async function withSystem<T>(measure: (system: System) => Promise<T>): Promise<T> {
  const system = await startSystem({
    RUNYARD_ALLOW_ISOLATION_NONE: 'true',
    RUNYARD_RUNNER_SLOTS: '8',
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

/** All in one call; resolves when every job of the system has ended. */
export async function runAll(system: System, jobs: Spec[]): Promise<void> {
  await system.api.calls.jobs.submitMany({ jobs } as never)
  await until(
    'the end of all jobs',
    async () => {
      const stats = await system.api.calls.jobs.stats()
      return stats.waiting + stats.running === 0
    },
    600_000,
  )
}

export const submitOne = async (system: System, job: Spec): Promise<string> =>
  ((await system.api.calls.jobs.submit(job as never)) as { id: string }).id
