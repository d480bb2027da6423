import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Bell, BellOff, Ellipsis, RotateCw, Trash2 } from 'lucide-react'
import { Suspense, useMemo, useState } from 'react'
import { Badge } from '../../components/badge.tsx'
import { Button, buttonLook, Toggle } from '../../components/button.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { Menu, MenuItem, MenuLine } from '../../components/menu.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type FailureGroup } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { problemOf } from '../../lib/problem.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import type { LetterAct } from '../dead-letters/act-in-steps.ts'
import { StateIcon } from '../jobs/state-chip.tsx'
import { useMe, useSeesOnlyOwn } from '../session/session.ts'
import { FilterBar, useFailuresPlace } from './filter-bar.tsx'
import { HourBars } from './hour-bars.tsx'
import { groupsQuery } from './queries.ts'
import { sourceKinds, SourceLink } from './source-link.tsx'

const ActDialog = lazyPart(() => import('../dead-letters/act-dialog.tsx'))

/** Failures that are alike, the newest first. */
export function GroupList() {
  const { place, change, clear } = useFailuresPlace()
  const list = useInfiniteQuery(groupsQuery(place))
  const groups = useMemo(() => list.data?.pages.flatMap((page) => page.groups) ?? [], [list.data])
  const [asking, setAsking] = useState<{ act: LetterAct; group: FailureGroup } | null>(null)
  const narrowed = place.event !== undefined || place.q !== undefined
  return (
    <div className="flex flex-col">
      <FilterBar label="Groups" placeholder="Search sources and errors" known={['event', 'q']}>
        <Toggle pressed={place.muted === true} onClick={() => change({ muted: place.muted ? undefined : true })}>
          <BellOff aria-hidden className="size-3.5" /> Muted ones too
        </Toggle>
      </FilterBar>
      {list.isPending && <Loading rows={5} label="Loading groups" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && groups.length === 0 && (
        <Empty title={narrowed ? 'No group matches' : 'No failures that are alike'}>
          <p className="text-muted">
            {narrowed
              ? 'Nothing fits the filters above.'
              : 'When a job spends its attempts, its error is compared with those before it, without what differs from time to time. What is alike is counted here as one.'}
          </p>
          {narrowed && <Button onClick={clear}>Clear filters</Button>}
        </Empty>
      )}
      {groups.length > 0 && (
        <ul aria-label="Groups of failures" className="rounded-lg border border-line bg-surface">
          {groups.map((group) => (
            <Row key={group.id} group={group} onAct={(act) => setAsking({ act, group })} />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          label="Load more groups"
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
      <Suspense>
        {asking && (
          <ActDialog
            act={asking.act}
            meant={{ all: { group: asking.group.id } }}
            open={asking.group.open}
            onDone={() => undefined}
            onClose={() => setAsking(null)}
          />
        )}
      </Suspense>
    </div>
  )
}

function Row({ group, onAct }: { group: FailureGroup; onAct: (act: LetterAct) => void }) {
  const me = useMe()
  const onlyOwn = useSeesOnlyOwn()
  const mayAct = me?.role === 'admin' || (me?.role === 'operator' && me.username === group.owner)
  const sample = visibleText(group.sample)
  const name = visibleText(group.source.name)
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 border-t border-line px-3 py-2 first:border-t-0 hover:bg-sunken/60 lg:grid-cols-[minmax(0,1fr)_6rem_11rem_8rem_auto]">
      <div className="min-w-0">
        <div className="flex min-w-0 items-center gap-2">
          <StateIcon state={group.state} />
          <Link
            to="/failures"
            search={{ group: group.id, state: 'all' }}
            title={`${sample}\n\nShow its failed jobs`}
            className="min-w-0 truncate rounded font-medium hover:underline"
          >
            {sentence(sample)}
          </Link>
          {group.muted && <Badge title="It opens no incidents">Muted</Badge>}
          {group.incident_id && (
            <Link
              to="/incidents/$id"
              params={{ id: group.incident_id }}
              className="shrink-0 rounded-full hover:underline"
            >
              <Badge tone="bad">Incident</Badge>
            </Link>
          )}
        </div>
        <p className="flex min-w-0 items-baseline gap-1.5 text-sm text-muted">
          <span className="text-xs">{sourceKinds[group.source.kind]}</span>
          <SourceLink source={group.source} className="min-w-0 truncate text-text" />
          {group.exit_code !== null && group.exit_code !== 0 && !sample.includes(String(group.exit_code)) && (
            <span>exit {group.exit_code}</span>
          )}
          {!onlyOwn && <span className="truncate">{group.owner}</span>}
        </p>
      </div>
      <span className="max-lg:hidden">
        <HourBars hours={group.hours} label={name} />
      </span>
      <span className="text-right text-sm tabular-nums max-lg:col-start-2 max-lg:row-start-1">
        <span className="font-semibold">{group.total.toLocaleString()}</span>
        <span className="text-muted max-sm:hidden"> {group.total === 1 ? 'failure' : 'failures'}</span>
        {group.open > 0 && <span className="text-failed">, {group.open.toLocaleString()} open</span>}
      </span>
      <span className="text-sm text-muted tabular-nums max-lg:col-start-1 max-lg:row-start-2">
        <RelativeTime at={group.last_at} />
        {group.total > 1 && (
          <span className="block text-xs max-lg:ml-2 max-lg:inline">
            since <RelativeTime at={group.first_at} />
          </span>
        )}
      </span>
      <span className="flex justify-end max-lg:col-start-2 max-lg:row-start-2">
        {mayAct ? <Acts group={group} name={name} onAct={onAct} /> : null}
      </span>
    </li>
  )
}

function Acts({ group, name, onAct }: { group: FailureGroup; name: string; onAct: (act: LetterAct) => void }) {
  const client = useQueryClient()
  const mute = useMutation({
    mutationFn: () => api.failureGroups.mute({ id: group.id, muted: !group.muted }),
    onSuccess: ({ muted }) =>
      toast('success', muted ? 'It is counted, and opens no incident' : 'It opens incidents again'),
    onError: (error) => toast('error', problemOf(error).message),
    onSettled: () => void client.invalidateQueries({ queryKey: ['failure-groups'] }),
  })
  return (
    <Menu
      label={`Acts on the failures of ${name}`}
      triggerLabel={`Acts on the failures of ${name}`}
      triggerClassName={buttonLook('quiet', 'small-icon')}
      trigger={<Ellipsis aria-hidden className="size-4" />}
    >
      <MenuItem disabled={group.open === 0} onSelect={() => onAct('redrive')}>
        <RotateCw aria-hidden className="size-3.5" /> Redrive open ones…
      </MenuItem>
      <MenuItem disabled={group.open === 0} danger onSelect={() => onAct('dismiss')}>
        <Trash2 aria-hidden className="size-3.5" /> Dismiss open ones…
      </MenuItem>
      <MenuLine />
      <MenuItem onSelect={() => mute.mutate()}>
        {group.muted ? <Bell aria-hidden className="size-3.5" /> : <BellOff aria-hidden className="size-3.5" />}
        {group.muted ? 'Open incidents again' : 'Mute: no incidents'}
      </MenuItem>
    </Menu>
  )
}
