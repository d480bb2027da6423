import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Download } from 'lucide-react'
import { useMemo, useState } from 'react'
import { buttonLook } from '../../components/button.tsx'
import { FilterChips } from '../../components/filter-chips.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { api, type AuditRow } from '../../lib/api.ts'
import { AdminsOnly } from '../session/admins-only.tsx'
import { AuditFilterBar } from './audit-filter-bar.tsx'
import { AuditTable } from './audit-table.tsx'
import { EntryDialog } from './entry-dialog.tsx'
import { ageLabels, exportUrl, questionOf, type AuditFilters } from './filters.ts'
import { VerifyButton } from './verify-button.tsx'

const route = getRouteApi('/_app/audit')

export const AuditPage = () => (
  <AdminsOnly title="Audit">
    <Audit />
  </AdminsOnly>
)

/** Every request that changed something or was refused, newest first. */
function Audit() {
  const filters: AuditFilters = route.useSearch()
  const navigate = route.useNavigate()
  const [chosen, setChosen] = useState<AuditRow | null>(null)
  const question = useMemo(() => questionOf(filters, Date.now()), [filters])
  const list = useInfiniteQuery({
    queryKey: ['audit', question],
    queryFn: ({ pageParam, signal }) => api.audit.list({ ...question, cursor: pageParam, limit: 100 }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (query) => (query.state.data && query.state.data.pages.length > 1 ? false : 10_000),
  })
  const entries = list.data?.pages.flatMap((page) => page.entries) ?? []
  const narrow = (some: AuditFilters, typed = false) =>
    void navigate({ search: (before) => ({ ...before, ...some }), replace: typed, resetScroll: false })
  const clear = () => void navigate({ search: {} })
  const chips = (['actor', 'action', 'target', 'result', 'age', 'unknown'] as const).flatMap((name) => {
    const value = filters[name]
    if (value === undefined) return []
    const shown = name === 'age' ? ageLabels[value as keyof typeof ageLabels] : value
    return [{ key: name, name: chipNames[name], value: shown, onRemove: () => narrow({ [name]: undefined }) }]
  })
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Audit" description="Every request that changed something or was refused.">
        <VerifyButton />
        {(['jsonl', 'csv'] as const).map((format) => (
          <a key={format} className={buttonLook()} href={exportUrl(filters, format, Date.now())} download>
            <Download aria-hidden className="size-3.5" /> {format === 'csv' ? 'CSV' : 'JSON lines'}
          </a>
        ))}
      </PageHead>
      <AuditFilterBar filters={filters} onChange={narrow} />
      <FilterChips chips={chips} onClear={clear} />
      {list.isPending && <Loading label="Loading the audit log" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {entries.length > 0 && <AuditTable entries={entries} onChoose={setChosen} onNarrow={narrow} />}
      {list.data && entries.length === 0 && !list.hasNextPage && (
        <Empty title="No entry matches">
          <p className="text-muted">
            Names are whole, in any case; an action is written job.cancel, or job. for all of them.
          </p>
        </Empty>
      )}
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          onMore={() => void list.fetchNextPage()}
          label={entries.length === 0 ? 'Look further back' : 'Older entries'}
        />
      )}
      {chosen && <EntryDialog entry={chosen} onClose={() => setChosen(null)} />}
    </div>
  )
}

const chipNames = {
  actor: 'who',
  action: 'what',
  target: 'to what',
  result: 'result',
  age: 'when',
  unknown: 'not a filter here:',
}
