import type { PipelineRun, PipelineTask } from '../../lib/api.ts'
import { calmDuration, runTime } from '../../lib/time.ts'
import { useRunningNow } from '../../lib/use-running-now.ts'
import { elapsedMs } from './words.ts'

type Timed = Pick<PipelineRun | PipelineTask, 'started_at' | 'ended_at' | 'duration_ms'>

/** How long it took, counting while it runs. */
export function Elapsed({ of, none = '–' }: { of: Timed; none?: string }) {
  const counts = of.started_at !== null && of.ended_at === null
  const now = useRunningNow(counts ? 1000 : 0)
  const ms = elapsedMs(of, now)
  if (ms === null) return <>{none}</>
  return <>{counts ? calmDuration(ms) : runTime(ms)}</>
}
