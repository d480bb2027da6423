import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Button } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Select } from '../../components/field.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { api } from '../../lib/api.ts'
import { InsightTable } from './insight-table.tsx'
import { spans, type Order, type TestsPlace } from './place.ts'

const explained: Record<Order, string> = {
  flaky: 'Tests whose result changed from run to run without staying changed: fix these first, they cost trust.',
  slowest: 'Tests that take the most time on average.',
  failing: 'Tests that failed most often.',
}

/** Tests across batches: which ones to look at. */
export function TestsPage() {
  const { order = 'flaky', batch, days = 14 } = useSearch({ from: '/_app/tests' })
  const navigate = useNavigate({ from: '/tests' })
  const change = (part: TestsPlace) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: 'batch' in part, resetScroll: false })
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Tests" description="What JUnit files of all batches say together">
        <SearchBox
          className="relative w-64 max-w-full"
          label="Batch name"
          placeholder="Only batches named…"
          value={batch ?? ''}
          onSearch={(name) => change({ batch: name || undefined })}
        />
        <Select
          aria-label="Time"
          wide={false}
          value={days}
          onChange={(event) => change({ days: Number(event.target.value) })}
        >
          {spans.map((span) => (
            <option key={span} value={span}>
              {span === 1 ? 'Last 24 hours' : `Last ${span} days`}
            </option>
          ))}
        </Select>
      </PageHead>
      <Tabs<Order>
        label="Which tests"
        value={order}
        onChange={(next) => change({ order: next === 'flaky' ? undefined : next })}
        tabs={[
          { key: 'flaky', label: 'Flaky' },
          { key: 'slowest', label: 'Slowest' },
          { key: 'failing', label: 'Most failing' },
        ]}
      >
        <p className="mb-3 text-sm text-muted">{explained[order]}</p>
        <Insights order={order} batch={batch} days={days} onClear={() => void navigate({ search: {} })} />
      </Tabs>
    </div>
  )
}

interface InsightsProps {
  order: Order
  batch: string | undefined
  days: number
  onClear: () => void
}

function Insights({ onClear, ...asked }: InsightsProps) {
  const insights = useQuery({
    queryKey: ['tests', 'insights', asked],
    queryFn: async ({ signal }) => (await api.testInsights({ ...asked, limit: 100 }, { signal })).tests,
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  })
  if (insights.isPending) return <Loading label="Loading tests" />
  if (insights.isError) return <Failed error={insights.error} retry={() => void insights.refetch()} />
  if (insights.data.length > 0) return <InsightTable tests={insights.data} />
  if (asked.batch) {
    return (
      <Empty title="No tests">
        <p className="text-muted">
          No batch named exactly <span className="font-medium text-text">{asked.batch}</span> reported tests in this
          time that belong here.
        </p>
        <Button onClick={onClear}>Clear filters</Button>
      </Empty>
    )
  }
  return asked.order === 'slowest' ? <NoTestsYet /> : <AllSteady order={asked.order} />
}

function AllSteady({ order }: { order: Order }) {
  return (
    <Empty title={order === 'flaky' ? 'No flaky tests' : 'No failing tests'}>
      <p className="text-muted">Nothing that was reported in this time belongs here.</p>
    </Empty>
  )
}

function NoTestsYet() {
  return (
    <Empty title="No tests reported yet">
      <p className="text-muted">Name where a job writes JUnit XML, and its tests appear here. In a terminal:</p>
      <CopyLine
        className="w-full"
        text="npx runyard run --junit 'reports/*.xml' -- pytest --junit-xml=reports/all.xml"
      />
      <p className="text-muted">or in the file of a batch, beside the job&rsquo;s command:</p>
      <CopyLine what="line" className="w-full max-w-md" text='junit: ["reports/*.xml"]' />
    </Empty>
  )
}
