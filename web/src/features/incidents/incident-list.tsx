import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo, useRef } from 'react'
import { Button, Toggle } from '../../components/button.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import type { Incident } from '../../lib/api.ts'
import { calmDuration } from '../../lib/time.ts'
import { useKeys } from '../../lib/use-keys.ts'
import { useNow } from '../../lib/use-now.ts'
import { FilterBar, useFailuresPlace } from '../failures/filter-bar.tsx'
import { incidentsQuery } from '../failures/queries.ts'
import { moveFocus } from '../pipelines/list/move-focus.ts'
import { useSeesOnlyOwn } from '../session/session.ts'
import { IncidentKind, IncidentState } from './incident-badges.tsx'
import { lasted, titleOf } from './words.ts'

/** Incidents, the newest first: those that go on, or all. */
export function IncidentList() {
  const { place, change, clear } = useFailuresPlace()
  const search = useRef<HTMLInputElement>(null)
  const list = useInfiniteQuery(incidentsQuery(place))
  const incidents = useMemo(() => list.data?.pages.flatMap((page) => page.incidents) ?? [], [list.data])
  useKeys({
    j: () => moveFocus('[data-incident-link]', 1),
    k: () => moveFocus('[data-incident-link]', -1),
    '/': () => search.current?.focus(),
  })
  const narrowed = place.event !== undefined || place.q !== undefined
  return (
    <div className="flex flex-col">
      <FilterBar label="Incidents" placeholder="Search incidents" known={['event', 'q']} searchRef={search}>
        <div role="group" aria-label="State" className="flex gap-0.5">
          <Toggle pressed={!place.closed} onClick={() => change({ closed: undefined })}>
            Open
            {list.data && <span className="text-xs font-normal tabular-nums">{list.data.pages[0]?.open}</span>}
          </Toggle>
          <Toggle pressed={place.closed === true} onClick={() => change({ closed: true })}>
            All
          </Toggle>
        </div>
      </FilterBar>
      {list.isPending && <Loading rows={4} label="Loading incidents" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && incidents.length === 0 && (
        <Empty
          title={narrowed ? 'No incident matches' : place.closed ? 'There was no incident yet' : 'No open incident'}
        >
          <p className="text-muted">
            {narrowed
              ? 'Nothing fits the filters above.'
              : 'One opens by itself when something fails as it never did, or again and again, and closes when it works again. The rules say when, and which channels hear of it.'}
          </p>
          {narrowed && <Button onClick={clear}>Clear filters</Button>}
        </Empty>
      )}
      {incidents.length > 0 && (
        <Table label="Incidents">
          <TableHead>
            <Th>State</Th>
            <Th>Incident</Th>
            <Th>Kind</Th>
            <Th number>Failures</Th>
            <Th>Opened</Th>
            <Th number>Lasts</Th>
            <Th>Who</Th>
          </TableHead>
          <tbody>
            {incidents.map((incident) => (
              <Row key={incident.id} incident={incident} />
            ))}
          </tbody>
        </Table>
      )}
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          label="Earlier ones"
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
    </div>
  )
}

function Row({ incident }: { incident: Incident }) {
  const onlyOwn = useSeesOnlyOwn()
  const title = titleOf(incident)
  const now = useNow(incident.closed_at === null ? 30_000 : 0)
  return (
    <Tr>
      <Td>
        <IncidentState state={incident.state} />
      </Td>
      <th scope="row" className="w-full max-w-0 min-w-56 truncate px-2 py-1.5 text-left font-medium sm:px-3">
        <Link
          to="/incidents/$id"
          params={{ id: incident.id }}
          data-incident-link
          title={title}
          className="rounded hover:underline"
        >
          {title}
        </Link>
      </th>
      <Td>
        <IncidentKind kind={incident.kind} />
      </Td>
      <Td number>{incident.failures.toLocaleString()}</Td>
      <Td muted>
        <RelativeTime at={incident.opened_at} />
      </Td>
      <Td number muted>
        {calmDuration(lasted(incident, now))}
      </Td>
      <Td muted>{whoOf(incident, onlyOwn)}</Td>
    </Tr>
  )
}

function whoOf({ state, acknowledged_by: seen, closed_by: closer, owner }: Incident, onlyOwn: boolean): string {
  if (state === 'closed') return closer === null ? 'closed by itself' : `closed by ${closer}`
  if (seen !== null) return `${seen} looks into it`
  return onlyOwn ? '' : `of ${owner}`
}
