import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { BookOpen, FileUp, Plus } from 'lucide-react'
import { Suspense, useMemo, useRef, useState } from 'react'
import { Button, buttonLook } from '../../../components/button.tsx'
import { LoadMore } from '../../../components/load-more.tsx'
import { PageHead } from '../../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../../components/page-state.tsx'
import type { EventSummary } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { useKeys } from '../../../lib/use-keys.ts'
import { useSelection } from '../../../lib/use-selection.ts'
import { focusedRow, moveFocus } from '../../pipelines/list/move-focus.ts'
import { useMe } from '../../session/session.ts'
import { isFiltered, type EventFilters } from '../filters.ts'
import { eventListQuery } from '../queries.ts'
import { EventBulkBar } from './event-bulk-bar.tsx'
import { EventFilterBar } from './event-filter-bar.tsx'
import { EventColumns, EventRow } from './event-row.tsx'
import { FirstEvent } from './first-event.tsx'

const RunDialog = lazyPart(() => import('../run-dialog.tsx'))
const ImportDialog = lazyPart(() => import('./import-dialog.tsx'))

export function EventListPage() {
  const filters = useSearch({ from: '/_app/events/' })
  const navigate = useNavigate({ from: '/events/' })
  const search = useRef<HTMLInputElement>(null)
  const list = useInfiniteQuery(eventListQuery(filters))
  const events = useMemo(() => list.data?.pages.flatMap((page) => page.events) ?? [], [list.data])
  const changeable = useMemo(() => events.filter((one) => one.may_change).map(({ id }) => id), [events])
  const selection = useSelection(changeable)
  const [running, setRunning] = useState<EventSummary | null>(null)
  const [importing, setImporting] = useState(false)
  const mayWrite = useMe()?.role !== 'viewer'
  const focused = () => events.find(({ id }) => id === focusedRow('event'))
  useKeys({
    j: () => moveFocus('[data-row-link]', 1),
    k: () => moveFocus('[data-row-link]', -1),
    x: () => {
      const one = focused()
      if (one?.may_change) selection.toggle(one.id)
    },
    e: () => {
      const one = focused()
      if (one?.may_change) void navigate({ to: '/events/$event/edit', params: { event: one.id } })
    },
    r: () => {
      const one = focused()
      if (one?.may_run) setRunning(one)
    },
    c: () => mayWrite && void navigate({ to: '/events/new' }),
    '/': () => search.current?.focus(),
  })
  const change = (part: EventFilters) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: 'q' in part, resetScroll: false })
  const clear = () => void navigate({ search: {} })
  const first = list.data?.pages[0]
  const nothing = list.isSuccess && events.length === 0 && !list.hasNextPage
  const none = nothing && !isFiltered(filters) && Object.values(first?.counts ?? {}).every((n) => n === 0)
  const chosen = events.filter(({ id }) => selection.chosen.has(id))
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Events">
        <Link to="/events/helpers" className={buttonLook('quiet')}>
          <BookOpen aria-hidden className="size-4" /> Helpers
        </Link>
        {mayWrite && (
          <>
            <Button onClick={() => setImporting(true)}>
              <FileUp aria-hidden className="size-4" /> Import
            </Button>
            <Link to="/events/new" className={buttonLook('primary')}>
              <Plus aria-hidden className="size-4" /> New event
            </Link>
          </>
        )}
      </PageHead>
      {!none && (
        <EventFilterBar
          filters={filters}
          counts={first?.counts}
          tags={first?.tags ?? []}
          onChange={change}
          onClear={clear}
          searchRef={search}
        />
      )}
      {list.isPending && <Loading rows={6} label="Loading events" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {none && <FirstEvent mayWrite={mayWrite} />}
      {nothing && !none && (
        <Empty title={isFiltered(filters) ? 'No event matches' : 'All events are archived'}>
          <p className="text-muted">Nothing here fits the filters above.</p>
          {isFiltered(filters) && <Button onClick={clear}>Clear filters</Button>}
        </Empty>
      )}
      {events.length > 0 && (
        <div className="overflow-hidden rounded-lg border border-line bg-surface">
          <EventColumns />
          <ul aria-label="Events">
            {events.map((event) => (
              <EventRow
                key={event.id}
                event={event}
                chosen={selection.chosen.has(event.id)}
                onChoose={selection.toggle}
                onRun={setRunning}
              />
            ))}
          </ul>
        </div>
      )}
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          label="Load more events"
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
      {chosen.length > 0 && <EventBulkBar events={chosen} onClear={selection.clear} />}
      <Suspense>
        {running && <RunDialog event={running} onClose={() => setRunning(null)} />}
        {importing && <ImportDialog onClose={() => setImporting(false)} />}
      </Suspense>
    </div>
  )
}
