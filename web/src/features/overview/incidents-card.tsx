import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card } from '../../components/card.tsx'
import { Failed } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { openIncidentsQuery } from '../failures/queries.ts'
import { IncidentState } from '../incidents/incident-badges.tsx'
import { titleOf } from '../incidents/words.ts'
import { MoreLink } from './more-link.tsx'

/** What opened by itself and nobody has ended. */
export function IncidentsCard() {
  const { data, isError, error } = useQuery(openIncidentsQuery)
  return (
    <Card
      title={data && data.open > 0 ? `Open incidents: ${data.open.toLocaleString()}` : 'Open incidents'}
      action={
        <MoreLink to="/failures" search={{ view: 'incidents' }}>
          All incidents
        </MoreLink>
      }
    >
      {isError && !data && <Failed error={error} />}
      {data?.incidents.length === 0 && (
        <p className="text-sm text-muted">None. What fails anew, or again and again, opens one.</p>
      )}
      <ul className="-my-1.5 flex flex-col empty:hidden">
        {data?.incidents.map((incident) => (
          <li key={incident.id} className="border-t border-line first:border-t-0">
            <Link
              to="/incidents/$id"
              params={{ id: incident.id }}
              className="-mx-2 flex items-center gap-2 rounded-md px-2 py-1.5 text-sm hover:bg-sunken"
            >
              <span className="min-w-0 flex-1 truncate font-medium" title={titleOf(incident)}>
                {titleOf(incident)}
              </span>
              {incident.state === 'acknowledged' && <IncidentState state={incident.state} />}
              <RelativeTime at={incident.opened_at} className="shrink-0 text-muted tabular-nums" />
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}
