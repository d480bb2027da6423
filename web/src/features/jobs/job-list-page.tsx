import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { Button, buttonLook } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { useKeys } from '../../lib/use-keys.ts'
import { useTitle } from '../../lib/use-title.ts'
import { useMe } from '../session/session.ts'
import { FilterBar } from './filter-bar.tsx'
import { isFiltered, type JobFilters } from './filters.ts'
import { JobRow, rowGrid } from './job-row.tsx'
import { jobListQuery } from './queries.ts'
import { StatusCards } from './status-cards.tsx'

export function JobListPage() {
  const filters = useSearch({ from: '/_app/jobs/' })
  const navigate = useNavigate({ from: '/jobs/' })
  const search = useRef<HTMLInputElement>(null)
  const mayWrite = useMe()?.role !== 'viewer'
  useTitle('Jobs')
  useKeys({
    j: () => moveFocus(1),
    k: () => moveFocus(-1),
    '/': () => search.current?.focus(),
  })
  const change = (part: JobFilters) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: 'q' in part, resetScroll: false })
  const clear = () => void navigate({ search: {} })
  return (
    <div className="flex flex-col gap-3">
      <div className="flex items-center justify-between">
        <h1 className="text-xl font-semibold">Jobs</h1>
        {mayWrite && (
          <Link to="/jobs/new" className={buttonLook('primary')}>
            <Plus aria-hidden className="size-4" /> New job
          </Link>
        )}
      </div>
      <StatusCards filters={filters} />
      <FilterBar filters={filters} onChange={change} onClear={clear} searchRef={search} />
      <JobList filters={filters} onClear={clear} />
    </div>
  )
}

function moveFocus(step: 1 | -1) {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-job-row]')]
  const now = rows.indexOf(document.activeElement as HTMLElement)
  const next = now < 0 ? rows[0] : rows[Math.min(rows.length - 1, Math.max(0, now + step))]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}

function JobList({ filters, onClear }: { filters: JobFilters; onClear: () => void }) {
  const list = useInfiniteQuery(jobListQuery(filters))
  const jobs = list.data?.pages.flatMap((page) => page.jobs) ?? []
  if (list.isPending) return <Loading rows={8} label="Loading jobs" />
  return (
    <>
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {jobs.length === 0 &&
        !list.isError &&
        !list.hasNextPage &&
        (isFiltered(filters) ? <NoMatch onClear={onClear} /> : <FirstStep />)}
      {jobs.length > 0 && (
        <div className="overflow-hidden rounded-lg border border-line bg-surface">
          <div aria-hidden className={`${rowGrid} hidden border-b border-line px-4 py-1.5 text-xs text-muted sm:grid`}>
            <span>State</span>
            <span>Job</span>
            <span className="hidden lg:block">Queue</span>
            <span className="hidden lg:block">Owner</span>
            <span className="text-right">Run time</span>
            <span className="text-right">Created</span>
          </div>
          <ul aria-label="Jobs, newest first">
            {jobs.map((job) => (
              <JobRow key={job.id} job={job} />
            ))}
          </ul>
        </div>
      )}
      {list.hasNextPage && (
        <More
          // A search may come to a page with nothing on it: then the end is as near as before, and it goes on.
          key={list.data?.pages.length}
          loading={list.isFetchingNextPage}
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
    </>
  )
}

/** Reads the next page when its end comes near; a button too, for those who do not scroll. */
function More({ loading, onMore }: { loading: boolean; onMore: () => void }) {
  const place = useRef<HTMLDivElement>(null)
  const more = useRef(onMore)
  more.current = onMore
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && more.current(), {
      rootMargin: '400px',
    })
    observer.observe(place.current!)
    return () => observer.disconnect()
  }, [loading])
  return (
    <div ref={place} className="flex justify-center py-2">
      <Button onClick={onMore} disabled={loading}>
        {loading ? 'Loading…' : 'Load older jobs'}
      </Button>
    </div>
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
