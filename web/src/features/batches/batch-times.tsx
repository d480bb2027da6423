import type { Batch } from '../../lib/api.ts'
import { calmDuration, runTime } from '../../lib/time.ts'
import { useRunningNow } from '../../lib/use-running-now.ts'
import { elapsedMs, etaMs, isOpen } from './progress.ts'

/** How long it took, counting while it runs. */
export function BatchDuration({ batch }: { batch: Batch }) {
  const open = isOpen(batch)
  const now = useRunningNow(open && batch.started_at ? 1000 : 0)
  const elapsed = elapsedMs(batch, now)
  if (elapsed === null) return <>–</>
  return <>{open ? calmDuration(elapsed) : runTime(batch.duration_ms ?? elapsed)}</>
}

/** `≈ 40 s left`; nothing while that cannot be said. */
export function BatchEta({ batch, className }: { batch: Batch; className?: string }) {
  const now = useRunningNow(isOpen(batch) && batch.started_at ? 1000 : 0)
  const eta = etaMs(batch, now)
  if (eta === null) return null
  return <span className={className}>≈ {calmDuration(eta < 60_000 ? Math.ceil(eta / 1000) * 1000 : eta)} left</span>
}
