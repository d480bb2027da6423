import type { Job } from '../../lib/api.ts'
import { isMessage } from '../jobs/states.ts'

/** The jobs that ended last, the last first; notices of batches have their own page. */
export const newestEnds = (jobs: readonly Job[], most = 6): Job[] =>
  jobs
    .filter((job) => job.ended_at !== null && !isMessage(job))
    .toSorted((a, b) => b.ended_at!.localeCompare(a.ended_at!))
    .slice(0, most)
