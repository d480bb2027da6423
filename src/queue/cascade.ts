/** What the end of jobs means for those that wait for them: pure. */
import { skippedFor, type JobOutcome } from '../job/outcome.ts'
import type { TerminalState } from '../job/state.ts'

export interface EndedJob {
  jobKey: string
  publicId: string
  state: TerminalState
}
export const endedWell = (job: EndedJob): boolean => job.state === 'succeeded'

export interface Edge {
  job_id: string
  depends_on_id: string
}

export interface BlockedJob {
  id: string
  public_id: string
  blockers_left: number
  /** `on_dependency_failure` */
  on_failure: string | null
  /** Its own time has not come yet. */
  later: boolean
}

export interface Freed {
  id: string
  public_id: string
  state: 'blocked' | 'scheduled' | 'queued' | 'skipped'
  blockers_left: number
  /** Of a skipped one: because of which job. */
  outcome?: JobOutcome
}

/** All blocked jobs that are touched, in the order in which the news reaches them. */
export function cascade(ended: EndedJob[], edges: Edge[], blocked: BlockedJob[]): Freed[] {
  const jobs = new Map(blocked.map((job) => [job.id, job]))
  const dependentsOf = Map.groupBy(edges, (edge) => edge.depends_on_id)
  const touched = new Map<string, Freed>()
  const news = [...ended]
  for (let next = 0; next < news.length; next++) {
    const end = news[next]!
    for (const { job_id } of dependentsOf.get(end.jobKey) ?? []) {
      const job = jobs.get(job_id)
      if (!job) continue
      const now: Freed = touched.get(job_id) ?? {
        id: job_id,
        public_id: job.public_id,
        state: 'blocked',
        blockers_left: job.blockers_left,
      }
      touched.set(job_id, now)
      now.blockers_left -= 1
      if (now.state === 'skipped') continue
      if (!endedWell(end) && job.on_failure !== 'run') {
        now.state = 'skipped'
        now.outcome = skippedFor(end)
        news.push({ jobKey: job_id, publicId: job.public_id, state: 'skipped' })
      } else if (now.blockers_left <= 0) {
        now.state = job.later ? 'scheduled' : 'queued'
      }
    }
  }
  return [...touched.values()]
}
