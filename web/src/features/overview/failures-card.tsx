import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card } from '../../components/card.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { StateIcon } from '../jobs/state-chip.tsx'
import { states } from '../jobs/states.ts'
import { MoreLink } from './more-link.tsx'
import { recentFailuresQuery } from './queries.ts'

/** The jobs that ended last of those that did not end well, and how. */
export function FailuresCard() {
  const { data, isPending, isError, error } = useQuery(recentFailuresQuery)
  return (
    <Card
      title="Newest failures"
      action={
        <MoreLink to="/jobs" search={{ status: 'failed' }}>
          All failed jobs
        </MoreLink>
      }
    >
      {isPending && <Loading rows={3} label="Loading failed jobs" />}
      {isError && !data && <Failed error={error} />}
      {data?.length === 0 && <p className="py-4 text-sm text-muted">Nothing has failed.</p>}
      <ul className="-my-2 flex flex-col">
        {data?.map((job) => (
          <li key={job.id} className="border-t border-line first:border-t-0">
            <Link
              to="/jobs/$id"
              params={{ id: job.id }}
              className="-mx-2 flex items-center gap-3 rounded-md px-2 py-1.5 hover:bg-sunken"
            >
              <StateIcon state={job.state} />
              <span className="min-w-0 flex-1 truncate font-medium" dir="auto">
                {visibleText(job.name)}
              </span>
              <span className="hidden min-w-0 flex-1 truncate text-sm text-muted sm:block">
                {sentence(visibleText(job.result?.message ?? states[job.state].meaning))}
              </span>
              <RelativeTime at={job.ended_at ?? job.created_at} className="text-sm text-muted tabular-nums" />
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}
