/** Waits for the end of a job: told by change notices, which may be lost, so it also looks by itself. */
import { isTerminal } from '../job/state.ts'
import { known, type Ask, type Deps } from './deps.ts'
import { getJob, jobOf } from './find-jobs.ts'
import type { JobChanges } from './job-changes.ts'
import type { ShownJob } from './show-job.ts'

/** Whoever waits for a thousand jobs costs a lost notice's repair, 200 small questions a second, and no more. */
const lookEveryMs = 5_000

/** Null when the signal came first. */
export async function waitForEnd(
  deps: Deps,
  changes: JobChanges,
  ask: Ask,
  id: string,
  signal: AbortSignal,
): Promise<ShownJob | null> {
  while (!signal.aborted) {
    // Asked for before the look, so that a change between the two is not missed.
    const looked = new AbortController()
    const change = changes.next(id, lookEveryMs, AbortSignal.any([signal, looked.signal]))
    try {
      const { state } = await jobOf(deps.db, known(ask), id)
      if (isTerminal(state)) return await getJob(deps, ask, id)
      await change
    } finally {
      looked.abort()
    }
  }
  return null
}
