import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Badge } from '../../components/badge.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import type { Batch } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { StateChip } from '../jobs/state-chip.tsx'
import { isOpen } from './progress.ts'
import { noticesQuery } from './queries.ts'

/** Who was told of this batch's end, and what became of it. */
export function BatchNotices({ batch }: { batch: Batch }) {
  const notices = useQuery(noticesQuery(batch.id))
  if (notices.isPending) return <Loading rows={3} label="Loading notices" />
  if (notices.isError) return <Failed error={notices.error} retry={() => void notices.refetch()} />
  if (notices.data.length === 0) return <None batch={batch} />
  return (
    <ul aria-label="Notices" className="overflow-hidden rounded-lg border border-line bg-surface">
      {notices.data.map((notice) => (
        <li
          key={notice.id}
          className="flex flex-wrap items-center gap-x-3 gap-y-1 border-t border-line px-4 py-2 first:border-t-0"
        >
          {notice.state === 'not_sent' ? <Badge>Not sent</Badge> : <StateChip state={notice.state} />}
          <span className="font-medium">{notice.channel}</span>
          <span className="min-w-0 flex-1 basis-60 truncate" title={notice.subject}>
            {notice.subject}
          </span>
          <span className="min-w-0 truncate text-sm text-muted">
            {notice.held_until ? (
              <>
                held until quiet hours end, <RelativeTime at={notice.held_until} />
              </>
            ) : (
              notice.result && sentence(notice.result)
            )}
          </span>
          <span className="text-sm text-muted tabular-nums">
            {notice.attempts === 1 ? '1 attempt' : `${notice.attempts} attempts`} ·{' '}
            <RelativeTime at={notice.created_at} />
          </span>
          {notice.job_id && (
            <Link
              to="/jobs/$id"
              params={{ id: notice.job_id }}
              className="rounded text-sm text-accent underline underline-offset-2"
            >
              Log
            </Link>
          )}
        </li>
      ))}
    </ul>
  )
}

function None({ batch }: { batch: Batch }) {
  const names = batch.notify.map(({ channel }) => channel).join(', ')
  if (names === '') {
    return (
      <Empty title="Nobody is told">
        <p className="text-muted">
          Name channels in the batch to be told of its end: <code className="font-mono">notify: [channel: team]</code>.
        </p>
      </Empty>
    )
  }
  return (
    <Empty title={isOpen(batch) ? 'Not ended yet' : 'Nothing was sent'}>
      <p className="text-muted">
        {isOpen(batch)
          ? `When it ends, ${names} will be told.`
          : `It did not end in a way that ${names} is to be told of, or the notice has been removed.`}
      </p>
    </Empty>
  )
}
