import type { Job } from '../../lib/api.ts'
import { matches, type JobFilters } from './filters.ts'

export interface JobPage {
  jobs: Job[]
  next_cursor: string | null
}

/** A change on its way into the lists: the job as it is now, or its id when it is gone. */
export type JobChange = { job: Job } | { gone: string }

/**
 * The pages of a list after some changes. A job that is listed is replaced where it stands, or leaves when it no longer
 * matches; a new one goes on top. Pages and rows that did not change stay the same objects, so nothing renders for them.
 */
export function applyChanges(pages: JobPage[], changes: readonly JobChange[], filters: JobFilters): JobPage[] {
  const pending = new Map<string, Job | null>()
  for (const change of changes) {
    if ('gone' in change) pending.set(change.gone, null)
    else pending.set(change.job.id, change.job)
  }
  const listed = new Set<string>()
  const next = pages.map((page) => {
    let changed = false
    const jobs: Job[] = []
    for (const job of page.jobs) {
      const news = pending.get(job.id)
      if (news === undefined) {
        jobs.push(job)
        continue
      }
      changed = true
      listed.add(job.id)
      if (news && matches(news, filters)) jobs.push(news)
    }
    return changed ? { ...page, jobs } : page
  })
  const fresh = [...pending.values()].filter(
    (job): job is Job => job !== null && !listed.has(job.id) && matches(job, filters) && isNewest(job, next),
  )
  if (fresh.length === 0 || !next[0]) return next
  fresh.sort((a, b) => b.created_at.localeCompare(a.created_at))
  return [{ ...next[0], jobs: [...fresh, ...next[0].jobs] }, ...next.slice(1)]
}

/** An older job that just came to match belongs somewhere further down, perhaps on a page not read yet. */
function isNewest(job: Job, pages: JobPage[]): boolean {
  const top = pages[0]?.jobs[0]
  return top === undefined || job.created_at >= top.created_at
}
