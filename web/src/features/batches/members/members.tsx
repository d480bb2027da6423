import { useNavigate, useSearch } from '@tanstack/react-router'
import { Suspense, useDeferredValue, useMemo, useRef, useState } from 'react'
import { Button } from '../../../components/button.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import type { Batch } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { useMayChange } from '../batch-actions.tsx'
import { count } from '../count-words.tsx'
import { Failures } from '../failures.tsx'
import { arrange, NameOrder, type MemberFilters } from './arrange.ts'
import { MemberFilterBar } from './member-filter-bar.tsx'
import { MemberTable } from './member-table.tsx'
import { useMembers } from './use-members.ts'
import { useSelection } from './use-selection.ts'

const LogDrawer = lazyPart(() => import('../log-drawer.tsx'))
const BulkBar = lazyPart(() =>
  import('../../jobs/bulk-bar.tsx').then(({ BulkBar: component }) => ({ default: component })),
)

/** All jobs of a batch, up to ten thousand, live. */
export function Members({ batch }: { batch: Batch }) {
  const { status, q, failure, sort } = useSearch({ from: '/_app/batches/$id' })
  const navigate = useNavigate({ from: '/batches/$id' })
  const { members: now, complete, error, retry } = useMembers(batch.id)
  // Drawn when there is time: typing, scrolling and the counters above go first.
  const members = useDeferredValue(now)
  const [names] = useState(() => new NameOrder())
  const shown = useMemo(
    () => arrange(members, { status, q, failure, sort }, names),
    [members, status, q, failure, sort, names],
  )
  const selection = useSelection(shown)
  const { ids } = selection
  const chosen = useMemo(() => (ids.size === 0 ? [] : members.filter(({ id }) => ids.has(id))), [members, ids])
  const [logOf, setLogOf] = useState<string | null>(null)
  const search = useRef<HTMLInputElement>(null)
  const change = (part: MemberFilters) =>
    void navigate({
      search: (old) => ({ ...old, ...part }),
      replace: 'q' in part && !('status' in part),
      resetScroll: false,
    })
  const mayChange = useMayChange(batch)
  return (
    <div className="flex flex-col gap-3">
      <Failures members={members} chosen={failure} onChoose={(key) => change({ failure: key, status: undefined })} />
      <MemberFilterBar filters={{ status, q, failure, sort }} batch={batch} onChange={change} searchRef={search} />
      {error !== null && <Failed error={error} retry={retry} />}
      {!complete && error === null && (
        <p role="status" className="text-sm text-muted tabular-nums">
          Reading members: {count.format(members.length)} of {count.format(batch.counts.total)}
        </p>
      )}
      {shown.length > 0 ? (
        <MemberTable
          members={shown}
          selection={mayChange ? selection : null}
          onLog={setLogOf}
          onSearch={() => search.current?.focus()}
        />
      ) : complete ? (
        <div className="flex flex-col items-center gap-3 py-10 text-muted">
          No member fits these filters.
          <Button onClick={() => change({ status: undefined, q: undefined, failure: undefined })}>Clear filters</Button>
        </div>
      ) : (
        error === null && <Loading label="Loading members" />
      )}
      <Suspense>{mayChange && chosen.length > 0 && <BulkBar jobs={chosen} onClear={selection.clear} />}</Suspense>
      <Suspense>
        {logOf && (
          <LogDrawer id={logOf} ids={shown.map(({ id }) => id)} onGo={setLogOf} onClose={() => setLogOf(null)} />
        )}
      </Suspense>
    </div>
  )
}
