import type { Job } from '../../lib/api.ts'
import { duration } from '../../lib/time.ts'
import { useNow } from '../../lib/use-now.ts'

/** How long it ran, counting while it runs. */
export function JobDuration({ job }: { job: Job }) {
  const running = job.started_at !== null && job.ended_at === null
  const now = useNow(running ? 1000 : 0)
  if (job.started_at === null) return <>–</>
  if (!running) return <>{duration(job.duration_ms ?? Date.parse(job.ended_at!) - Date.parse(job.started_at))}</>
  const ms = Math.max(0, now - Date.parse(job.started_at))
  return (
    <>
      {duration(ms < 60_000 ? Math.floor(ms / 1000) * 1000 : ms)
        .replace('.0 s', ' s')
        .replace(' ms', ' s')}
    </>
  )
}
