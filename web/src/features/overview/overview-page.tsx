import { Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { buttonLook } from '../../components/button.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { StatusCards } from '../jobs/status-cards.tsx'
import { useMe } from '../session/session.ts'
import { BatchesCard } from './batches-card.tsx'
import { FailingEventsCard } from './failing-events-card.tsx'
import { FailuresCard } from './failures-card.tsx'
import { IncidentsCard } from './incidents-card.tsx'
import { QueuesCard } from './queues-card.tsx'
import { RunnersCard } from './runners-card.tsx'
import { ThroughputCard } from './throughput-card.tsx'
import { UsersCard } from './users-card.tsx'

/** How the whole yard stands, for a glance or for the screen on the wall. */
export function OverviewPage() {
  const me = useMe()
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Overview">
        {me?.role !== 'viewer' && (
          <>
            <Link to="/batches/new" className={buttonLook()}>
              New batch
            </Link>
            <Link to="/jobs/new" className={buttonLook('primary')}>
              <Plus aria-hidden className="size-4" /> New job
            </Link>
          </>
        )}
      </PageHead>
      <StatusCards large />
      <div className="grid items-start gap-3 lg:grid-cols-3">
        <div className="flex min-w-0 flex-col gap-3 lg:col-span-2">
          <ThroughputCard />
          <BatchesCard />
          <FailuresCard />
        </div>
        <div className="flex min-w-0 flex-col gap-3">
          <IncidentsCard />
          <FailingEventsCard />
          <RunnersCard />
          <QueuesCard />
          {me?.role === 'admin' && <UsersCard />}
        </div>
      </div>
    </div>
  )
}
