import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card } from '../../components/card.tsx'
import { visibleText } from '../../lib/visible-text.ts'
import { RecentRuns } from '../events/recent-runs.tsx'
import { MoreLink } from './more-link.tsx'
import { failingEventsQuery } from './queries.ts'

/** Events whose last run did not end well; nothing where there are no events. */
export function FailingEventsCard() {
  const { data } = useQuery(failingEventsQuery)
  if (!data || Object.values(data.counts).every((n) => n === 0)) return null
  return (
    <Card
      title="Failing events"
      action={
        <MoreLink to="/events" search={{ failing: true }}>
          All failing events
        </MoreLink>
      }
    >
      {data.events.length === 0 && <p className="text-sm text-muted">None: the last run of each ended well.</p>}
      <ul className="-my-1.5 flex flex-col empty:hidden">
        {data.events.map((event) => {
          const name = visibleText(event.name)
          return (
            <li key={event.id} className="flex items-center gap-3 border-t border-line py-1.5 text-sm first:border-t-0">
              <Link
                to="/events/$event"
                params={{ event: event.id }}
                className="min-w-0 flex-1 truncate rounded font-medium hover:underline"
                dir="auto"
              >
                {name}
              </Link>
              <RecentRuns runs={event.recent} label={`Recent runs of ${name}`} />
            </li>
          )
        })}
      </ul>
    </Card>
  )
}
