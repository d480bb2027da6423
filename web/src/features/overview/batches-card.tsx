import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card } from '../../components/card.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import type { Batch } from '../../lib/api.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { BatchDuration } from '../batches/batch-times.tsx'
import { isOpen } from '../batches/progress.ts'
import { StatusBar } from '../jobs/status-bar.tsx'
import { MoreLink } from './more-link.tsx'
import { recentBatchesQuery } from './queries.ts'

/** The newest batches, each with its bar. */
export function BatchesCard() {
  const { data, isPending, isError, error } = useQuery(recentBatchesQuery)
  return (
    <Card title="Newest batches" action={<MoreLink to="/batches">All batches</MoreLink>}>
      {isPending && <Loading rows={3} label="Loading batches" />}
      {isError && !data && <Failed error={error} />}
      {data?.length === 0 && (
        <p className="py-4 text-sm text-muted">
          No batch yet. Submit many jobs at once with{' '}
          <code className="font-mono text-text">runyard batch submit FILE</code> or{' '}
          <Link to="/batches/new" className="text-accent underline underline-offset-2">
            in this page
          </Link>
          .
        </p>
      )}
      <ul className="-my-2 flex flex-col">
        {data?.map((batch) => (
          <BatchLine key={batch.id} batch={batch} />
        ))}
      </ul>
    </Card>
  )
}

function BatchLine({ batch }: { batch: Batch }) {
  const { counts } = batch
  const done = counts.passed + counts.failed + counts.cancelled
  return (
    <li className="border-t border-line first:border-t-0">
      <Link
        to="/batches/$id"
        params={{ id: batch.id }}
        className="-mx-2 grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 rounded-md px-2 py-2 hover:bg-sunken sm:grid-cols-[minmax(0,14rem)_1fr_6rem]"
      >
        <span className="truncate font-medium" dir="auto">
          {visibleText(batch.name)}
        </span>
        <span className="text-right text-sm whitespace-nowrap text-muted tabular-nums sm:order-3">
          {isOpen(batch) ? <BatchDuration batch={batch} /> : <RelativeTime at={batch.ended_at!} />}
        </span>
        <span className="col-span-2 flex items-center gap-3 sm:col-span-1">
          <StatusBar counts={counts} label={`Jobs of ${visibleText(batch.name)}`} className="h-2.5 rounded-full" />
          <span className="w-24 shrink-0 text-right text-xs text-muted tabular-nums">
            {done.toLocaleString()} of {counts.total.toLocaleString()}
          </span>
        </span>
      </Link>
    </li>
  )
}
