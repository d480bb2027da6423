import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'
import { Button } from '../../../components/button.tsx'
import { CopyLine } from '../../../components/copy-line.tsx'
import { Select } from '../../../components/field.tsx'
import { LoadMore } from '../../../components/load-more.tsx'
import { Empty, Failed, Loading } from '../../../components/page-state.tsx'
import type { EventDetail } from '../../../lib/api.ts'
import { shellLine } from '../../../lib/shell-words.ts'
import { useKeys } from '../../../lib/use-keys.ts'
import { moveFocus } from '../../pipelines/list/move-focus.ts'
import type { RunFilters } from '../place.ts'
import { runListQuery } from '../queries.ts'
import { RunRow } from '../run-row.tsx'
import { runStatusLabels, triggerLabels } from '../words.ts'

export function RunsTab({ event }: { event: EventDetail }) {
  const { status, trigger } = useSearch({ from: '/_app/events/$event/' })
  const navigate = useNavigate({ from: '/events/$event/' })
  const list = useInfiniteQuery(runListQuery(event.id, { status, trigger }))
  const runs = useMemo(() => list.data?.pages.flatMap((page) => page.runs) ?? [], [list.data])
  const change = (part: RunFilters) => void navigate({ search: (old) => ({ ...old, ...part }), resetScroll: false })
  const filtered = status !== undefined || trigger !== undefined
  useKeys({ j: () => moveFocus('[data-row-link]', 1), k: () => moveFocus('[data-row-link]', -1) })
  const never = list.isSuccess && runs.length === 0 && !list.hasNextPage
  return (
    <div className="flex flex-col gap-3">
      {!(never && !filtered) && (
        <div role="search" aria-label="Runs" className="flex flex-wrap gap-2">
          <Select
            aria-label="Status"
            wide={false}
            value={status ?? ''}
            onChange={(select) => change({ status: (select.target.value || undefined) as RunFilters['status'] })}
          >
            <option value="">Any status</option>
            {Object.entries(runStatusLabels).map(([word, label]) => (
              <option key={word} value={word}>
                {label}
              </option>
            ))}
          </Select>
          <Select
            aria-label="Started by"
            wide={false}
            value={trigger ?? ''}
            onChange={(select) => change({ trigger: (select.target.value || undefined) as RunFilters['trigger'] })}
          >
            <option value="">Started by anything</option>
            {Object.entries(triggerLabels).map(([word, label]) => (
              <option key={word} value={word}>
                {label}
              </option>
            ))}
          </Select>
          {filtered && (
            <Button kind="quiet" onClick={() => change({ status: undefined, trigger: undefined })}>
              Clear filters
            </Button>
          )}
        </div>
      )}
      {list.isPending && <Loading rows={5} label="Loading runs" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {never && (
        <Empty title={filtered ? 'No run matches' : 'It has not run yet'}>
          <p className="text-muted">
            {filtered
              ? 'Nothing here fits the filters above.'
              : event.triggers.length > 0 && event.status === 'active'
                ? 'Its triggers start it. To see it now, run it above, or in a terminal:'
                : 'Run it above, or in a terminal:'}
          </p>
          {!filtered && <CopyLine text={`npx runyard event run ${shellLine([event.name])}`} />}
        </Empty>
      )}
      {runs.length > 0 && (
        <ul aria-label="Runs, newest first" className="overflow-hidden rounded-lg border border-line bg-surface">
          {runs.map((run) => (
            <RunRow key={run.id} run={run} />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          label="Load older runs"
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
    </div>
  )
}
