import { segmentFills } from '../../components/segmented-bar.tsx'
import type { Batch } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { batchWords } from './filters.ts'

export const count = new Intl.NumberFormat()

/** `● 12 passed  ● 1 failed …`: what is none is left out. */
export function CountWords({ counts }: { counts: Batch['counts'] }) {
  return (
    <span className="flex flex-wrap gap-x-3 text-sm tabular-nums">
      {batchWords
        .filter(({ word }) => counts[word] > 0)
        .map(({ word: kind }) => (
          <span key={kind} className="flex items-center gap-1.5 whitespace-nowrap text-muted">
            <span aria-hidden className={cn('size-2 rounded-[2px]', segmentFills[kind])} />
            <span>
              <span className={cn('font-semibold', kind === 'failed' ? 'text-failed' : 'text-text')}>
                {count.format(counts[kind])}
              </span>{' '}
              {kind}
            </span>
          </span>
        ))}
    </span>
  )
}
