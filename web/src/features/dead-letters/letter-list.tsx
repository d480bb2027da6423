import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Suspense, useMemo, useRef, useState } from 'react'
import { Button, Toggle } from '../../components/button.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { lazyPart } from '../../lib/lazy-part.ts'
import { useKeys } from '../../lib/use-keys.ts'
import { useSelection } from '../../lib/use-selection.ts'
import { FilterBar, useFailuresPlace } from '../failures/filter-bar.tsx'
import { letterStates, type FailuresPlace } from '../failures/place.ts'
import { lettersQuery } from '../failures/queries.ts'
import { focusedRow, moveFocus } from '../pipelines/list/move-focus.ts'
import { useMe } from '../session/session.ts'
import type { LetterAct, Meant } from './act-in-steps.ts'
import { LetterBar } from './letter-bar.tsx'
import { LetterTable } from './letter-table.tsx'

const ActDialog = lazyPart(() => import('./act-dialog.tsx'))

const labels = { open: 'Open', redriven: 'Redriven', dismissed: 'Dismissed' }

/** Jobs that spent their attempts, newest first. */
export function LetterList() {
  const { place, change, clear } = useFailuresPlace()
  const { state = 'open' } = place
  const search = useRef<HTMLInputElement>(null)
  const list = useInfiniteQuery(lettersQuery(place))
  const letters = useMemo(() => list.data?.pages.flatMap((page) => page.dead_letters) ?? [], [list.data])
  const me = useMe()
  const mayAct = me?.role === 'admin' || me?.role === 'operator'
  const open = useMemo(
    () => (mayAct ? letters.filter((letter) => letter.state === 'open').map(({ job_id }) => job_id) : []),
    [letters, mayAct],
  )
  const selection = useSelection(open)
  const [asking, setAsking] = useState<{ act: LetterAct; meant: Meant } | null>(null)
  const ask = (act: LetterAct, meant: Meant) => setAsking({ act, meant })
  const focused = () => open.find((id) => id === focusedRow('letter'))
  useKeys({
    j: () => moveFocus('[data-letter-link]', 1),
    k: () => moveFocus('[data-letter-link]', -1),
    x: () => {
      const id = focused()
      if (id) selection.toggle(id)
    },
    '/': () => search.current?.focus(),
  })
  const openOfAll = list.data?.pages[0]?.open
  const nothing = list.isSuccess && letters.length === 0 && !list.hasNextPage
  return (
    <div className="flex flex-col">
      <FilterBar
        label="Dead letters"
        placeholder="Search names and errors"
        known={['group', 'event', 'queue', 'owner', 'q']}
        searchRef={search}
      >
        <div role="group" aria-label="State" className="flex flex-wrap gap-0.5">
          {letterStates.map((one) => (
            <Toggle
              key={one}
              pressed={state === one}
              onClick={() => change({ state: one === 'open' ? undefined : one })}
            >
              {labels[one]}
              {one === 'open' && openOfAll !== undefined && (
                <span className="text-xs font-normal tabular-nums">{openOfAll.toLocaleString()}</span>
              )}
            </Toggle>
          ))}
          <Toggle pressed={state === 'all'} onClick={() => change({ state: 'all' })}>
            All
          </Toggle>
        </div>
        {state === 'open' && open.length > 0 && place.owner === undefined && (
          <div className="flex gap-2 sm:ml-auto">
            <Button size="small" onClick={() => ask('redrive', { all: allOf(place) })}>
              Redrive all…
            </Button>
            <Button size="small" kind="danger" onClick={() => ask('dismiss', { all: allOf(place) })}>
              Dismiss all…
            </Button>
          </div>
        )}
      </FilterBar>
      {list.isPending && <Loading rows={6} label="Loading dead letters" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {nothing && <Nothing place={place} onClear={clear} />}
      {letters.length > 0 && (
        <LetterTable letters={letters} selection={mayAct ? selection : undefined} onAct={ask} onNarrow={change} />
      )}
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          label="Load more"
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
      {selection.chosen.size > 0 && (
        <LetterBar
          n={selection.chosen.size}
          all={open.length}
          onAll={() => selection.set(open)}
          onAct={(act) => ask(act, { jobs: [...selection.chosen] })}
          onClear={selection.clear}
        />
      )}
      <Suspense>
        {asking && (
          <ActDialog
            {...asking}
            open={isNarrowed(place) ? undefined : openOfAll}
            onDone={selection.clear}
            onClose={() => setAsking(null)}
          />
        )}
      </Suspense>
    </div>
  )
}

const allOf = ({ group, event, queue, q }: FailuresPlace) => ({ group, event, queue, search: q })
const isNarrowed = ({ group, event, queue, owner, q }: FailuresPlace) =>
  [group, event, queue, owner, q].some((value) => value !== undefined)

function Nothing({ place, onClear }: { place: FailuresPlace; onClear: () => void }) {
  if (isNarrowed(place) || place.state === 'redriven' || place.state === 'dismissed') {
    return (
      <Empty title="No failed job matches">
        <p className="text-muted">Nothing fits the filters above.</p>
        <Button onClick={onClear}>Show all open ones</Button>
      </Empty>
    )
  }
  return (
    <Empty title="No dead letters">
      <p className="text-muted">
        A job that fails and has no attempt left is listed here until somebody runs it again or says that it does not
        matter. How often one is tried is said by{' '}
        <code className="font-mono text-sm text-text">runyard run --retries 2</code>, or in the settings of an{' '}
        <Link to="/events" className="text-accent underline underline-offset-2">
          event
        </Link>
        .
      </p>
    </Empty>
  )
}
