import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card } from '../../components/card.tsx'
import { statsQuery } from '../jobs/queries.ts'
import { StatusBar } from '../jobs/status-bar.tsx'
import { MoreLink } from './more-link.tsx'

/** For administrators: whose jobs they are. */
export function UsersCard() {
  const users = useQuery(statsQuery).data?.users ?? []
  return (
    <Card title="Busiest users" action={<MoreLink to="/users">All users</MoreLink>}>
      {users.length === 0 && <p className="text-sm text-muted">Nobody has submitted a job yet.</p>}
      <ul className="-my-1.5 flex flex-col">
        {users.slice(0, 6).map((user) => (
          <li key={user.username} className="border-t border-line first:border-t-0">
            <Link
              to="/jobs"
              search={{ owner: user.username }}
              className="-mx-2 flex flex-col gap-1 rounded-md px-2 py-1.5 text-sm hover:bg-sunken"
            >
              <span className="flex items-center justify-between gap-3">
                <span className="truncate font-medium">{user.username}</span>
                <span className="text-muted tabular-nums">
                  {user.running > 0 && `${user.running.toLocaleString()} running, `}
                  {user.total.toLocaleString()} in all
                </span>
              </span>
              <StatusBar counts={user} label={`Jobs of ${user.username}`} className="h-1 rounded-full" />
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}
