import { queryOptions, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Pause, Pencil } from 'lucide-react'
import { useState } from 'react'
import { IconButton } from '../../components/button.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { api, type Queue } from '../../lib/api.ts'
import { byteSize } from '../../lib/time.ts'
import { useTitle } from '../../lib/use-title.ts'
import { queuesQuery } from '../jobs/queries.ts'
import { useMe } from '../session/session.ts'
import { QueueDialog } from './queue-dialog.tsx'
import { retentionText } from './queue-form.ts'

const refetchInterval = 15_000

const userQuery = (username: string) =>
  queryOptions({
    queryKey: ['user', username],
    queryFn: ({ signal }) => api.users.get({ username }, { signal }),
    enabled: username !== '',
    refetchInterval,
  })

/** Queues with their limits, what waits in them and what is kept of them; and what is kept of oneself. */
export function QueueListPage() {
  const queues = useQuery({ ...queuesQuery, staleTime: 0, refetchInterval })
  const [editing, setEditing] = useState<Queue | null>(null)
  const me = useMe()
  useTitle('Queues')
  return (
    <div className="flex flex-col gap-3">
      <h1 className="text-xl font-semibold">Queues</h1>
      {queues.isPending && <Loading rows={3} label="Loading queues" />}
      {queues.isError && <Failed error={queues.error} retry={() => void queues.refetch()} />}
      {queues.data && <QueueTable queues={queues.data} onEdit={me?.role === 'admin' ? setEditing : undefined} />}
      <OwnSize username={me?.username ?? ''} />
      {editing && <QueueDialog queue={editing} onClose={() => setEditing(null)} />}
    </div>
  )
}

const count = new Intl.NumberFormat()
const cell = 'px-3 py-1.5 sm:px-4'
const number = `${cell} text-right tabular-nums`

function QueueTable({ queues, onEdit }: { queues: Queue[]; onEdit?: (queue: Queue) => void }) {
  return (
    <div className="overflow-x-auto rounded-lg border border-line bg-surface">
      <table className="w-full text-sm whitespace-nowrap">
        <thead className="text-left text-xs text-muted">
          <tr className="border-b border-line [&>th]:font-normal">
            <th className={cell}>Queue</th>
            <th className={number}>Waiting</th>
            <th className={number}>Running</th>
            <th className={cell}>At a time</th>
            <th className={cell}>Rate</th>
            <th className={number}>Ended, kept</th>
            <th className={number}>Logs</th>
            <th className={cell}>Keeps</th>
            {onEdit && <th className={cell} aria-label="Change" />}
          </tr>
        </thead>
        <tbody>
          {queues.map((queue) => (
            <tr key={queue.name} className="border-t border-line first:border-t-0">
              <th scope="row" className={`${cell} text-left font-medium`}>
                <Link to="/jobs" search={{ queue: queue.name }} className="hover:underline">
                  {queue.name}
                </Link>
                {queue.paused && (
                  <span className="ml-2 inline-flex items-center gap-1 text-xs font-normal text-muted">
                    <Pause aria-hidden className="size-3" /> paused
                  </span>
                )}
              </th>
              <td className={number}>{count.format(queue.waiting)}</td>
              <td className={number}>{count.format(queue.running)}</td>
              <td className={`${cell} text-muted`}>{queue.concurrency ?? 'no limit'}</td>
              <td className={`${cell} text-muted`}>
                {queue.rate ? `${queue.rate.starts} in ${queue.rate.seconds} s` : 'no limit'}
              </td>
              <td className={number}>{count.format(queue.kept)}</td>
              <td className={number}>{byteSize(queue.log_bytes)}</td>
              <td className={`${cell} text-muted`}>{retentionText(queue)}</td>
              {onEdit && (
                <td className={`${cell} text-right`}>
                  <IconButton small label={`Change queue ${queue.name}`} onClick={() => onEdit(queue)}>
                    <Pencil aria-hidden className="size-3.5" />
                  </IconButton>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function OwnSize({ username }: { username: string }) {
  const { data } = useQuery(userQuery(username))
  if (!data) return null
  const { kept_jobs, log_bytes, retain_count, retain_bytes } = data.usage
  return (
    <p className="text-sm text-muted">
      Kept of you: {count.format(kept_jobs)} ended {kept_jobs === 1 ? 'job' : 'jobs'}
      {retain_count > 0 && ` of at most ${count.format(retain_count)}`}, {byteSize(log_bytes)} of logs
      {retain_bytes > 0 && ` of at most ${byteSize(retain_bytes)}`}.
    </p>
  )
}
