import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Suspense, useMemo, useRef, useState } from 'react'
import { Button } from '../../../components/button.tsx'
import { Select } from '../../../components/field.tsx'
import { FilterChips } from '../../../components/filter-chips.tsx'
import { LoadMore } from '../../../components/load-more.tsx'
import { PageHead } from '../../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../../components/page-state.tsx'
import { SearchBox } from '../../../components/search-box.tsx'
import type { Pipeline } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { useKeys } from '../../../lib/use-keys.ts'
import { useMe } from '../../session/session.ts'
import { isFiltered, type PipelineFilters } from '../filters.ts'
import { ProblemList } from '../problem-list.tsx'
import { pipelineListQuery } from '../queries.ts'
import { SquaresLegend } from '../run-squares.tsx'
import { useLiveRuns } from '../use-live-runs.ts'
import { FirstStep } from './first-step.tsx'
import { focusedRow, moveFocus } from './move-focus.ts'
import { PipelineColumns, PipelineRow } from './pipeline-row.tsx'

const StartDialog = lazyPart(() => import('../start/start-dialog.tsx'))

export function PipelineListPage() {
  const filters = useSearch({ from: '/_app/pipelines/' })
  const navigate = useNavigate({ from: '/pipelines/' })
  const search = useRef<HTMLInputElement>(null)
  const list = useInfiniteQuery(pipelineListQuery(filters))
  const pipelines = useMemo(() => list.data?.pages.flatMap((page) => page.pipelines) ?? [], [list.data])
  const problems = useMemo(() => list.data?.pages[0]?.problems ?? [], [list.data])
  const [starting, setStarting] = useState<Pipeline | null>(null)
  const mayStart = useMe()?.role !== 'viewer'
  useLiveRuns()
  useKeys({
    j: () => moveFocus('[data-row-link]', 1),
    k: () => moveFocus('[data-row-link]', -1),
    s: () => {
      const one = pipelines.find(({ name }) => name === focusedRow('pipeline'))
      if (one?.startable && mayStart) setStarting(one)
    },
    '/': () => search.current?.focus(),
  })
  const change = (part: PipelineFilters) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: 'q' in part, resetScroll: false })
  const clear = () => void navigate({ search: {} })
  const nothing = list.isSuccess && pipelines.length === 0 && !list.hasNextPage
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Pipelines" />
      {!(nothing && !isFiltered(filters)) && (
        <Filters filters={filters} onChange={change} onClear={clear} searchRef={search} />
      )}
      {list.isPending && <Loading rows={6} label="Loading pipelines" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {problems.length > 0 && <ProblemList problems={problems} label="Problems in files" />}
      {nothing &&
        (isFiltered(filters) ? (
          <Empty title="No pipeline matches">
            <p className="text-muted">Nothing here fits the filters above.</p>
            <Button onClick={clear}>Clear filters</Button>
          </Empty>
        ) : (
          <FirstStep />
        ))}
      {pipelines.length > 0 && (
        <>
          <div className="overflow-hidden rounded-lg border border-line bg-surface">
            <PipelineColumns />
            <ul aria-label="Pipelines">
              {pipelines.map((pipeline) => (
                <PipelineRow key={pipeline.name} pipeline={pipeline} onStart={mayStart ? setStarting : undefined} />
              ))}
            </ul>
          </div>
          <SquaresLegend />
        </>
      )}
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          label="Load more pipelines"
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
      <Suspense>{starting && <StartDialog pipeline={starting} onClose={() => setStarting(null)} />}</Suspense>
    </div>
  )
}

interface FiltersProps {
  filters: PipelineFilters
  onChange: (change: PipelineFilters) => void
  onClear: () => void
  searchRef: React.RefObject<HTMLInputElement | null>
}

const sources = { file: 'From files', stored: 'Stored here' } as const

function Filters({ filters, onChange, onClear, searchRef }: FiltersProps) {
  const { q, source, unknown } = filters
  const chips = [
    q && { key: 'q', name: 'Name', value: q, onRemove: () => onChange({ q: undefined }) },
    source && {
      key: 'source',
      name: 'Source',
      value: sources[source],
      onRemove: () => onChange({ source: undefined }),
    },
    unknown && {
      key: 'unknown',
      name: 'Not a filter',
      value: unknown,
      onRemove: () => onChange({ unknown: undefined }),
    },
  ].filter((chip) => typeof chip === 'object')
  return (
    <div role="search" aria-label="Pipelines" className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <SearchBox
          label="Search by name"
          placeholder="Search by name  ( / )"
          value={q ?? ''}
          onSearch={(text) => onChange({ q: text || undefined })}
          inputRef={searchRef}
        />
        <Select
          aria-label="Source"
          wide={false}
          value={source ?? ''}
          onChange={(event) => onChange({ source: (event.target.value || undefined) as PipelineFilters['source'] })}
        >
          <option value="">Any source</option>
          {Object.entries(sources).map(([key, label]) => (
            <option key={key} value={key}>
              {label}
            </option>
          ))}
        </Select>
      </div>
      <FilterChips chips={chips} onClear={onClear} />
    </div>
  )
}
