import { segmentFills } from '../../components/segmented-bar.tsx'
import type { Batch } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { barParts } from './progress.ts'

export const count = new Intl.NumberFormat()

/** `● 12 passed  ● 1 failed …`: what is none is left out. */
export function CountWords({ counts }: { counts: Batch['counts'] }) {
  return (
    <span className="flex flex-wrap gap-x-3 text-sm tabular-nums">
      {barParts(counts)
        .filter(({ n }) => n > 0)
        .map(({ kind, n }) => (
          <span key={kind} className="flex items-center gap-1.5 whitespace-nowrap text-muted">
            <span aria-hidden className={cn('size-2 rounded-[2px]', segmentFills[kind])} />
            <span>
              <span className={cn('font-semibold', kind === 'failed' ? 'text-failed' : 'text-text')}>
                {count.format(n)}
              </span>{' '}
              {kind}
            </span>
          </span>
        ))}
    </span>
  )
}
