import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'
import { Button } from '../../../components/button.tsx'
import { CopyLine } from '../../../components/copy-line.tsx'
import { Select } from '../../../components/field.tsx'
import { LoadMore } from '../../../components/load-more.tsx'
import { Empty, Failed, Loading } from '../../../components/page-state.tsx'
import type { Pipeline } from '../../../lib/api.ts'
import { shellLine } from '../../../lib/shell-words.ts'
import { useKeys } from '../../../lib/use-keys.ts'
import { ageLabels, type Age } from '../../jobs/filters.ts'
import { useSeesOnlyOwn } from '../../session/session.ts'
import { moveFocus } from '../list/move-focus.ts'
import { runListQuery, type RunFilters } from '../queries.ts'
import { RunRow } from '../run-row.tsx'
import { runStatuses, triggers } from '../words.ts'

export function RunsTab({ pipeline }: { pipeline: Pipeline }) {
  const { status, trigger, since } = useSearch({ from: '/_app/pipelines/$name' })
  const navigate = useNavigate({ from: '/pipelines/$name' })
  const list = useInfiniteQuery(runListQuery(pipeline.name, { status, trigger, since }))
  const runs = useMemo(() => list.data?.pages.flatMap((page) => page.runs) ?? [], [list.data])
  const change = (part: RunFilters) => void navigate({ search: (old) => ({ ...old, ...part }), resetScroll: false })
  const clear = () => change({ status: undefined, trigger: undefined, since: undefined })
  const filtered = status !== undefined || trigger !== undefined || since !== undefined
  const onlyOwn = useSeesOnlyOwn()
  useKeys({ j: () => moveFocus('[data-row-link]', 1), k: () => moveFocus('[data-row-link]', -1) })
  return (
    <div className="flex flex-col gap-3">
      <div role="search" aria-label="Runs" className="flex flex-wrap gap-2">
        <Choice
          label="Status"
          any="Any status"
          value={status}
          options={runStatuses.map(({ word, label }) => [word, label])}
          onChange={(word) => change({ status: word as RunFilters['status'] })}
        />
        <Choice
          label="Started"
          any="Started by anything"
          value={trigger}
          options={triggers.map(({ word, label }) => [word, label])}
          onChange={(word) => change({ trigger: word as RunFilters['trigger'] })}
        />
        <Choice
          label="Created"
          any="Any time"
          value={since}
          options={Object.entries(ageLabels)}
          onChange={(age) => change({ since: age as Age | undefined })}
        />
        {filtered && (
          <Button kind="quiet" onClick={clear}>
            Clear filters
          </Button>
        )}
      </div>
      {onlyOwn && <OnlyOwn pipeline={pipeline} />}
      {list.isPending && <Loading rows={5} label="Loading runs" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && runs.length === 0 && !list.hasNextPage && (
        <Empty title={filtered ? 'No run matches' : onlyOwn ? 'You have started none' : 'It has not run yet'}>
          <p className="text-muted">
            {filtered ? 'Nothing here fits all the filters above.' : 'Start it above, over the API, or in a terminal:'}
          </p>
          {!filtered && <CopyLine text={`npx runyard pipeline start ${shellLine([pipeline.name])}`} />}
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

/** What of all the runs one does not see, in numbers. */
function OnlyOwn({ pipeline: { running, waiting } }: { pipeline: Pipeline }) {
  const open = [running > 0 && `${running} running`, waiting > 0 && `${waiting} waiting`].filter(
    (text) => text !== false,
  )
  return (
    <p className="text-sm text-muted">
      You see the runs that you started.
      {open.length > 0 && ` With those of others there are ${open.join(' and ')} now.`}
    </p>
  )
}

interface ChoiceProps {
  label: string
  any: string
  value: string | undefined
  options: readonly (readonly [word: string, label: string])[]
  onChange: (word: string | undefined) => void
}

function Choice({ label, any, value, options, onChange }: ChoiceProps) {
  return (
    <Select
      aria-label={label}
      wide={false}
      value={value ?? ''}
      onChange={(event) => onChange(event.target.value || undefined)}
    >
      <option value="">{any}</option>
      {options.map(([word, text]) => (
        <option key={word} value={word}>
          {text}
        </option>
      ))}
    </Select>
  )
}
