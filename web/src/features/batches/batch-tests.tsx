import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button, Toggle } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { SegmentedBar } from '../../components/segmented-bar.tsx'
import type { Batch, TestResult } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { duration } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { count } from './count-words.tsx'
import { batchTestsQuery, type TestFilters } from './queries.ts'

type Counts = NonNullable<Batch['tests']>

/** The test cases that the members reported: failed ones first, or the slowest. */
export default function BatchTests({ batch }: { batch: Batch }) {
  const [filters, setFilters] = useState<TestFilters>({ sort: 'status' })
  const list = useInfiniteQuery(batchTestsQuery(batch.id, filters))
  const { refetch } = list
  const reported = batch.tests?.total
  // More have reported since: the counts come live, the list is read again.
  useEffect(() => void refetch(), [reported, refetch])
  if (list.isPending) return <Loading label="Loading tests" />
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />
  const counts = batch.tests ?? list.data.pages[0]!.counts
  if (counts.total === 0) return <NoTests />
  const tests = list.data.pages.flatMap((page) => page.tests)
  return (
    <div className="flex flex-col gap-3">
      <Counts counts={counts} />
      <div className="flex flex-wrap items-center gap-2">
        <SearchBox
          label="Search tests"
          value={filters.name ?? ''}
          onSearch={(name) => setFilters({ ...filters, name: name || undefined })}
        />
        <div role="group" aria-label="Which tests" className="flex gap-1">
          <Toggle pressed={!filters.status} onClick={() => setFilters({ ...filters, status: undefined })}>
            All
          </Toggle>
          {(['failed', 'passed', 'skipped'] as const).map((status) => (
            <Toggle key={status} pressed={filters.status === status} onClick={() => setFilters({ ...filters, status })}>
              {status[0]!.toUpperCase() + status.slice(1)} {count.format(counts[status])}
            </Toggle>
          ))}
        </div>
        <Toggle
          pressed={filters.sort === 'slowest'}
          onClick={() => setFilters({ ...filters, sort: filters.sort === 'slowest' ? 'status' : 'slowest' })}
        >
          Slowest first
        </Toggle>
      </div>
      {tests.length === 0 && <p className="py-6 text-center text-muted">No test fits these filters.</p>}
      {tests.length > 0 && (
        <ul aria-label="Tests" className="overflow-hidden rounded-lg border border-line bg-surface">
          {tests.map((test, index) => (
            <TestLine key={`${test.job_id} ${test.suite} ${test.name} ${index}`} test={test} />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <Button className="self-center" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {list.isFetchingNextPage ? 'Loading…' : 'More tests'}
        </Button>
      )}
    </div>
  )
}

function Counts({ counts }: { counts: Counts }) {
  return (
    <div className="flex flex-col gap-2 rounded-lg border border-line bg-surface p-4">
      <SegmentedBar
        className="h-2.5"
        parts={[
          { kind: 'passed', n: counts.passed },
          { kind: 'failed', n: counts.failed },
          { kind: 'cancelled', n: counts.skipped },
        ]}
      />
      <p className="text-muted tabular-nums">
        <span className="font-semibold text-text">{count.format(counts.passed)}</span> passed,{' '}
        <span className={cn('font-semibold', counts.failed > 0 ? 'text-failed' : 'text-text')}>
          {count.format(counts.failed)}
        </span>{' '}
        failed, <span className="font-semibold text-text">{count.format(counts.skipped)}</span> skipped of{' '}
        {count.format(counts.total)} tests, {duration(counts.duration_ms)} of test time
      </p>
    </div>
  )
}

const colours: Record<TestResult['status'], string> = {
  passed: 'bg-passed-soft text-passed',
  failed: 'bg-failed-soft text-failed',
  skipped: 'bg-waiting-soft text-waiting',
}

function TestLine({ test }: { test: TestResult }) {
  const line = (
    <>
      <ChevronRight
        aria-hidden
        className={cn('size-3.5 shrink-0 text-muted group-open:rotate-90', !test.message && 'invisible')}
      />
      <TestStatus status={test.status} />
      <span className="min-w-0 flex-1 basis-40 truncate" title={visibleText(`${test.suite} ${test.name}`)}>
        <span className="font-medium">{visibleText(test.name)}</span>{' '}
        <span className="text-sm text-muted">{visibleText(test.suite)}</span>
      </span>
      <span className="w-16 shrink-0 text-right text-sm text-muted tabular-nums">{duration(test.duration_ms)}</span>
    </>
  )
  const job = (
    <Link
      to="/jobs/$id"
      params={{ id: test.job_id }}
      className="w-24 shrink-0 truncate rounded text-sm text-accent underline underline-offset-2 sm:w-56"
      title={`Job ${test.job_name}`}
    >
      <span className="sr-only">Job of {visibleText(test.name)}: </span>
      {test.job_name}
    </Link>
  )
  const look = 'flex min-w-0 flex-1 items-center gap-2.5'
  return (
    <li className="relative flex items-start gap-3 border-t border-line px-4 py-1.5 first:border-t-0 hover:bg-sunken">
      {test.message ? (
        <details className="group min-w-0 flex-1">
          <summary className={`${look} list-none rounded [&::-webkit-details-marker]:hidden`}>{line}</summary>
          <pre
            tabIndex={0}
            role="region"
            aria-label={`Message of ${visibleText(test.name)}`}
            className="mt-1.5 mb-1 max-h-80 overflow-auto rounded-md border border-line bg-log p-3 font-mono text-xs whitespace-pre-wrap"
          >
            {test.message}
          </pre>
        </details>
      ) : (
        <span className={look}>{line}</span>
      )}
      {job}
    </li>
  )
}

export function TestStatus({ status }: { status: TestResult['status'] }) {
  return (
    <span className={cn('w-16 shrink-0 rounded-full px-2 py-0.5 text-center text-xs font-semibold', colours[status])}>
      {status[0]!.toUpperCase() + status.slice(1)}
    </span>
  )
}

function NoTests() {
  return (
    <Empty title="No tests reported">
      <p className="text-muted">
        A job that names its JUnit XML files has its tests counted here. Put this beside the job&rsquo;s command:
      </p>
      <CopyLine what="line" className="w-full max-w-md" text='junit: ["reports/*.xml"]' />
    </Empty>
  )
}
