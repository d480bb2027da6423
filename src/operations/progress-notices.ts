/**
 * Tells watchers that a job's progress has changed: at once, then at most every 250 ms, the last change always. Every
 * notice of the database takes a lock that all commits share, and a loop reports 200 times a second.
 */
import type { Queryable } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import { notify } from '../queue/notify.ts'

const everyMs = 250

/** To be called with the public id when the change is committed. */
export function createProgressNotices(db: Queryable): (publicId: string) => void {
  /** Whether there was a change since the last notice. */
  const resting = new Map<string, boolean>()

  const tell = (publicId: string): void => {
    resting.set(publicId, false)
    // Watchers look again at the job's end in any case.
    notify(db, [publicId], false).catch((error: unknown) =>
      emitFact({ name: 'job.progress_untold', level: 'warn', id: publicId, error: String(error) }),
    )
    setTimeout(() => {
      const again = resting.get(publicId)
      resting.delete(publicId)
      if (again) tell(publicId)
    }, everyMs).unref()
  }

  return (publicId) => {
    if (resting.has(publicId)) resting.set(publicId, true)
    else tell(publicId)
  }
}
