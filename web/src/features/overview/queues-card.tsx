import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Badge } from '../../components/badge.tsx'
import { Card } from '../../components/card.tsx'
import { Failed } from '../../components/page-state.tsx'
import type { Queue } from '../../lib/api.ts'
import { queuesQuery } from '../jobs/queries.ts'
import { useSeesOnlyOwn } from '../session/session.ts'
import { MoreLink } from './more-link.tsx'

const isFull = (queue: Queue) => queue.concurrency !== null && queue.running >= queue.concurrency && queue.waiting > 0
const weight = (queue: Queue) => (queue.paused && queue.waiting > 0 ? 2 : 0) + (isFull(queue) ? 1 : 0)

/** Queues in which something waits or runs; those that are paused or full first. */
export function QueuesCard() {
  const { data, isError, error } = useQuery({ ...queuesQuery, staleTime: 0, refetchInterval: 5_000 })
  const busy = (data ?? [])
    .filter((queue) => queue.waiting + queue.running > 0 || queue.paused)
    .toSorted((a, b) => weight(b) - weight(a) || b.waiting - a.waiting)
    .slice(0, 6)
  return (
    <Card
      title={useSeesOnlyOwn() ? 'Queues, jobs of all users' : 'Queues'}
      action={<MoreLink to="/queues">All queues</MoreLink>}
    >
      {isError && !data && <Failed error={error} />}
      {data && busy.length === 0 && <p className="text-sm text-muted">Nothing waits and nothing is paused.</p>}
      <ul className="-my-1.5 flex flex-col">
        {busy.map((queue) => (
          <li key={queue.name} className="border-t border-line first:border-t-0">
            <Link
              to="/jobs"
              search={{ queue: queue.name }}
              className="-mx-2 flex items-center gap-2 rounded-md px-2 py-1.5 text-sm hover:bg-sunken"
            >
              <span className="min-w-0 flex-1 truncate font-medium">{queue.name}</span>
              {queue.paused && <Badge tone="warn">Paused</Badge>}
              {isFull(queue) && <Badge tone="plain">Full</Badge>}
              <span className="text-muted tabular-nums">
                {queue.running.toLocaleString()} running, {queue.waiting.toLocaleString()} waiting
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}
