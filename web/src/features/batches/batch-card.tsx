import { Link } from '@tanstack/react-router'
import { ChevronRight, RotateCw } from 'lucide-react'
import { memo, Suspense, useId, useState } from 'react'
import { IconButton } from '../../components/button.tsx'
import { Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { SegmentedBar } from '../../components/segmented-bar.tsx'
import type { Batch } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { BatchChip } from './batch-chip.tsx'
import { BatchDuration, BatchEta } from './batch-times.tsx'
import { count, CountWords } from './count-words.tsx'
import { barParts, isOpen } from './progress.ts'

const MemberPeek = lazyPart(() => import('./member-peek.tsx'))

/** One batch of the gallery; opens to its members. Renders again only when this batch changed. */
export const BatchCard = memo(function BatchCard({ batch }: { batch: Batch }) {
  const [open, setOpen] = useState(false)
  const members = useId()
  const name = visibleText(batch.name)
  return (
    <li data-batch={batch.id} className="rounded-lg border border-line bg-surface">
      <div className="flex items-start gap-1 px-2 py-2.5 sm:gap-2 sm:px-3">
        <IconButton
          small
          label={open ? `Hide the members of ${name}` : `Show the members of ${name}`}
          aria-expanded={open}
          aria-controls={open ? members : undefined}
          onClick={() => setOpen(!open)}
        >
          <ChevronRight aria-hidden className={cn('size-4 transition-transform', open && 'rotate-90')} />
        </IconButton>
        <div className="flex min-w-0 flex-1 flex-col gap-2">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <Link
              to="/batches/$id"
              params={{ id: batch.id }}
              data-batch-link
              className="min-w-0 truncate rounded text-lg font-semibold hover:text-accent"
              dir="auto"
            >
              {name}
            </Link>
            <BatchChip batch={batch} />
            {batch.rerun_of && (
              <span className="flex items-center gap-1 text-xs text-muted">
                <RotateCw aria-hidden className="size-3" /> run again
              </span>
            )}
            <Meta batch={batch} />
          </div>
          <SegmentedBar parts={[...barParts(batch.counts)]} className="h-2.5" />
          <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
            <CountWords counts={batch.counts} />
            <span className="text-sm text-muted tabular-nums">
              {batch.tests && <TestWords tests={batch.tests} />}
              {count.format(batch.counts.total)} {batch.counts.total === 1 ? 'job' : 'jobs'}
            </span>
          </div>
        </div>
      </div>
      {open && (
        <div id={members} className="border-t border-line">
          <Suspense fallback={<Loading rows={4} label="Loading members" />}>
            <MemberPeek batch={batch} />
          </Suspense>
        </div>
      )}
    </li>
  )
})

/** `≈ 11 m left · running 4 m · olga · 6 m ago`; a phone has no room for all of it. */
function Meta({ batch }: { batch: Batch }) {
  return (
    <span className="ml-auto flex flex-wrap items-center text-sm whitespace-nowrap text-muted tabular-nums *:not-last:after:mx-1.5 *:not-last:after:content-['·']">
      <BatchEta batch={batch} className="hidden sm:inline" />
      {batch.started_at && (
        <span>
          {isOpen(batch) ? 'running' : 'took'} <BatchDuration batch={batch} />
        </span>
      )}
      <span className="hidden sm:inline">{batch.owner}</span>
      <span title="Created">
        <RelativeTime at={batch.created_at} />
      </span>
    </span>
  )
}

function TestWords({ tests }: { tests: NonNullable<Batch['tests']> }) {
  return (
    <>
      {count.format(tests.total)} tests
      {tests.failed > 0 && (
        <>
          , <span className="font-semibold text-failed">{count.format(tests.failed)} failed</span>
        </>
      )}{' '}
      ·{' '}
    </>
  )
}
