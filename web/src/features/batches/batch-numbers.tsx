import { Link } from '@tanstack/react-router'
import { RelativeTime } from '../../components/relative-time.tsx'
import { SegmentedBar, segmentFills } from '../../components/segmented-bar.tsx'
import type { Batch } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { BatchDuration, BatchEta } from './batch-times.tsx'
import { count } from './count-words.tsx'
import { batchWords } from './filters.ts'
import { barParts, doneOf, isOpen, percentDone } from './progress.ts'

/** The batch at a glance, from across the room; each number leads to its members. */
export function BatchNumbers({ batch }: { batch: Batch }) {
  const { counts } = batch
  return (
    <section aria-label="Progress" className="overflow-hidden rounded-lg border border-line bg-surface">
      <div className="flex flex-col gap-2 px-4 pt-4 pb-3">
        <SegmentedBar parts={[...barParts(counts)]} className="h-7" />
        <div className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1 text-muted tabular-nums">
          <span>
            <span className="text-lg font-semibold text-text">{percentDone(counts)}%</span> ·{' '}
            {count.format(doneOf(counts))} of {count.format(counts.total)} ended
          </span>
          <BatchEta batch={batch} />
          <Times batch={batch} />
        </div>
      </div>
      <dl className="grid grid-cols-3 border-t border-line sm:grid-cols-5">
        {batchWords.map(({ word, label }, index) => (
          <div
            key={word}
            className={cn(
              'relative flex flex-col border-line px-4 py-2 hover:bg-sunken',
              index % 3 !== 0 && 'border-l',
              index > 0 && 'sm:border-l',
              index >= 3 && 'border-t sm:border-t-0',
            )}
          >
            <dt className="flex items-center gap-1.5 text-sm text-muted">
              <span aria-hidden className={cn('size-2.5 rounded-[2px]', segmentFills[word])} />
              {/* The link covers the whole field. */}
              <Link
                to="/batches/$id"
                params={{ id: batch.id }}
                search={{ status: word }}
                replace
                resetScroll={false}
                className="after:absolute after:inset-0"
              >
                {label}
              </Link>
            </dt>
            <dd
              data-count={word}
              className={cn(
                'text-[clamp(1.5rem,3.2vw,2.75rem)] leading-tight font-semibold tabular-nums',
                counts[word] === 0 ? 'text-muted' : word === 'failed' ? 'text-failed' : 'text-text',
              )}
            >
              {count.format(counts[word])}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Times({ batch }: { batch: Batch }) {
  return (
    <span className="flex flex-wrap gap-x-3 text-sm">
      {batch.started_at && (
        <span>
          {isOpen(batch) ? 'runs for' : 'took'}{' '}
          <span className="font-medium text-text">
            <BatchDuration batch={batch} />
          </span>
        </span>
      )}
      <span>
        created <RelativeTime at={batch.created_at} />
      </span>
      {batch.ended_at && (
        <span>
          ended <RelativeTime at={batch.ended_at} />
        </span>
      )}
    </span>
  )
}
