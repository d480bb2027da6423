import type { EventRun } from '../../lib/api.ts'
import { calmDuration, runTime } from '../../lib/time.ts'
import { useRunningNow } from '../../lib/use-running-now.ts'
import { elapsedMs, isOpen } from './words.ts'

/** How long it took, counting while it runs. */
export function Elapsed({ run }: { run: Pick<EventRun, 'started_at' | 'ended_at'> }) {
  const counts = run.started_at !== null && isOpen(run)
  const now = useRunningNow(counts ? 1000 : 0)
  const ms = elapsedMs(run, now)
  if (ms === null) return null
  return <>{counts ? calmDuration(ms) : runTime(ms)}</>
}
