import type { Job } from '../../lib/api.ts'
import { calmDuration, runTime } from '../../lib/time.ts'
import { useRunningNow } from '../../lib/use-running-now.ts'
import { isWaiting } from './states.ts'

/** How long it ran, counting while it runs. */
export function JobDuration({ job }: { job: Job }) {
  const running = job.started_at !== null && job.ended_at === null && !isWaiting(job.state)
  const now = useRunningNow(running ? 1000 : 0)
  // One that waits for its next attempt does not run.
  if (job.started_at === null || isWaiting(job.state)) return <>–</>
  if (!running) return <>{runTime(job.duration_ms ?? Date.parse(job.ended_at!) - Date.parse(job.started_at))}</>
  return <>{calmDuration(Math.max(0, now - Date.parse(job.started_at)))}</>
}
