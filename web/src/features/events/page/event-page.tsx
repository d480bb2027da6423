import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Suspense } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { Tabs } from '../../../components/tabs.tsx'
import type { EventDetail } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { isMissing } from '../../../lib/problem.ts'
import { sentence } from '../../../lib/sentence.ts'
import { useTitle } from '../../../lib/use-title.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import type { EventTab } from '../place.ts'
import { eventQuery } from '../queries.ts'
import { EventHead } from './event-head.tsx'
import { NoSuchEvent } from './no-such-event.tsx'
import { RunsTab } from './runs-tab.tsx'

const TriggersTab = lazyPart(() => import('./triggers-tab.tsx'))
const DefinitionTab = lazyPart(() => import('./definition-tab.tsx'))
const VersionsTab = lazyPart(() => import('./versions-tab.tsx'))
const StatsTab = lazyPart(() => import('./stats-tab.tsx'))

export function EventPage() {
  const { event: ref } = useParams({ from: '/_app/events/$event/' })
  const event = useQuery(eventQuery(ref))
  if (event.isPending) return <Loading label="Loading the event" />
  if (event.isError && isMissing(event.error)) return <NoSuchEvent name={ref} />
  if (!event.data) return <Failed error={event.error} retry={() => void event.refetch()} />
  return (
    <div className="flex flex-1 flex-col gap-4">
      {event.isError && <Failed error={event.error} retry={() => void event.refetch()} />}
      <Loaded key={ref} event={event.data} />
    </div>
  )
}

function Loaded({ event }: { event: EventDetail }) {
  const { tab = 'runs' } = useSearch({ from: '/_app/events/$event/' })
  const navigate = useNavigate({ from: '/events/$event/' })
  useTitle(event.name)
  const go = (next: EventTab) => void navigate({ search: next === 'runs' ? {} : { tab: next }, resetScroll: false })
  return (
    <>
      <EventHead event={event} />
      {event.problem && <Alert>{sentence(visibleText(event.problem))}</Alert>}
      <Tabs
        label="Views of the event"
        value={tab}
        onChange={go}
        tabs={[
          { key: 'runs', label: 'Runs' },
          { key: 'triggers', label: <Counted text="Triggers" n={event.triggers.length} /> },
          { key: 'definition', label: 'Definition' },
          { key: 'versions', label: <Counted text="Versions" n={event.version} /> },
          { key: 'stats', label: 'Numbers' },
        ]}
      >
        <Suspense fallback={<Loading />}>
          {tab === 'runs' && <RunsTab event={event} />}
          {tab === 'triggers' && <TriggersTab event={event} />}
          {tab === 'definition' && <DefinitionTab event={event} />}
          {tab === 'versions' && <VersionsTab event={event} />}
          {tab === 'stats' && <StatsTab event={event} />}
        </Suspense>
      </Tabs>
    </>
  )
}

function Counted({ text, n }: { text: string; n: number }) {
  return (
    <span className="inline-flex items-baseline gap-1.5">
      {text}
      {n > 0 && <span className="text-xs font-normal text-muted tabular-nums">{n.toLocaleString()}</span>}
    </span>
  )
}
