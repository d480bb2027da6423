import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useMemo, useRef } from 'react'
import { Button, buttonLook } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { useKeys } from '../../lib/use-keys.ts'
import { useMe } from '../session/session.ts'
import { FilterBar } from './filter-bar.tsx'
import { isFiltered, type JobFilters } from './filters.ts'
import { JobTable } from './job-table.tsx'
import { jobListQuery } from './queries.ts'
import { StatusCards } from './status-cards.tsx'
import { useLiveJobs } from './use-live-jobs.ts'

export function JobListPage() {
  const filters = useSearch({ from: '/_app/jobs/' })
  const navigate = useNavigate({ from: '/jobs/' })
  const search = useRef<HTMLInputElement>(null)
  const mayWrite = useMe()?.role !== 'viewer'
  useLiveJobs()
  useKeys({ '/': () => search.current?.focus() })
  const change = (part: JobFilters) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: 'q' in part, resetScroll: false })
  const clear = () => void navigate({ search: {} })
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Jobs">
        {mayWrite && (
          <Link to="/jobs/new" className={buttonLook('primary')}>
            <Plus aria-hidden className="size-4" /> New job
          </Link>
        )}
      </PageHead>
      <StatusCards filters={filters} />
      <FilterBar filters={filters} onChange={change} onClear={clear} searchRef={search} />
      <JobList filters={filters} mayAct={mayWrite} onClear={clear} />
    </div>
  )
}

function JobList({ filters, mayAct, onClear }: { filters: JobFilters; mayAct: boolean; onClear: () => void }) {
  const list = useInfiniteQuery(jobListQuery(filters))
  const jobs = useMemo(() => list.data?.pages.flatMap((page) => page.jobs) ?? [], [list.data])
  const readOn = () => void list.fetchNextPage({ cancelRefetch: false })
  if (list.isPending) return <Loading rows={8} label="Loading jobs" />
  return (
    <>
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {jobs.length === 0 &&
        !list.isError &&
        !list.hasNextPage &&
        (isFiltered(filters) ? <NoMatch onClear={onClear} /> : <FirstStep />)}
      {jobs.length > 0 && (
        <JobTable
          jobs={jobs}
          mayAct={mayAct}
          more={list.hasNextPage && !list.isError ? { read: readOn, reading: list.isFetchingNextPage } : undefined}
        />
      )}
      {list.hasNextPage && (
        <LoadMore
          // A search may come to a page with nothing on it: then the end is as near as before, and it goes on.
          key={list.data?.pages.length}
          label="Load older jobs"
          loading={list.isFetchingNextPage}
          onMore={readOn}
        />
      )}
    </>
  )
}

function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty title="No job matches">
      <p className="text-muted">Nothing here fits all the filters above.</p>
      <Button onClick={onClear}>Clear filters</Button>
    </Empty>
  )
}

function FirstStep() {
  return (
    <Empty title="No jobs yet">
      <p className="text-muted">Run your first one from a terminal on this machine, and watch it appear here:</p>
      <CopyLine
        className="w-full max-w-lg"
        text={`npx runyard run -- bash -c 'for i in 1 2 3; do echo line $i; sleep 1; done'`}
      />
      <p className="text-muted">
        or{' '}
        <Link to="/jobs/new" className="font-medium text-accent underline underline-offset-2">
          submit one in this page
        </Link>
        .
      </p>
    </Empty>
  )
}
