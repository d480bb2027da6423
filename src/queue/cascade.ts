/** What the end of jobs means for those that wait for them: pure. */
export interface EndedJob {
  jobKey: string
  ok: boolean
}

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
}

/** All blocked jobs that are touched, in the order in which the news reaches them. */
export function cascade(ended: EndedJob[], edges: Edge[], blocked: BlockedJob[]): Freed[] {
  const jobs = new Map(blocked.map((job) => [job.id, job]))
  const dependentsOf = Map.groupBy(edges, (edge) => edge.depends_on_id)
  const touched = new Map<string, Freed>()
  const news = [...ended]
  for (let next = 0; next < news.length; next++) {
    const { jobKey, ok } = news[next]!
    for (const { job_id } of dependentsOf.get(jobKey) ?? []) {
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
      if (!ok && job.on_failure !== 'run') {
        now.state = 'skipped'
        news.push({ jobKey: job_id, ok: false })
      } else if (now.blockers_left <= 0) {
        now.state = job.later ? 'scheduled' : 'queued'
      }
    }
  }
  return [...touched.values()]
}
