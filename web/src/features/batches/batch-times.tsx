import type { Batch } from '../../lib/api.ts'
import { duration } from '../../lib/time.ts'
import { useNow } from '../../lib/use-now.ts'
import { elapsedMs, etaMs, isOpen } from './progress.ts'

/** Whole seconds: tenths that jump tell nothing. */
export const calm = (ms: number): string =>
  duration(ms < 60_000 ? Math.floor(ms / 1000) * 1000 : ms)
    .replace('.0 s', ' s')
    .replace(' ms', ' s')

/** How long it took, counting while it runs. */
export function BatchDuration({ batch }: { batch: Batch }) {
  const open = isOpen(batch)
  const now = useNow(open && batch.started_at ? 1000 : 0)
  const elapsed = elapsedMs(batch, now)
  if (elapsed === null) return <>–</>
  return <>{open ? calm(elapsed) : duration(batch.duration_ms ?? elapsed)}</>
}

/** `about 40 s left`; nothing while that cannot be said. */
export function BatchEta({ batch }: { batch: Batch }) {
  const now = useNow(isOpen(batch) && batch.started_at ? 1000 : 0)
  const eta = etaMs(batch, now)
  return eta === null ? null : <>about {calm(eta < 60_000 ? Math.ceil(eta / 1000) * 1000 : eta)} left</>
}
