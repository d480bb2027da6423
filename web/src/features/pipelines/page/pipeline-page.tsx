import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { buttonLook } from '../../../components/button.tsx'
import { PageHead } from '../../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../../components/page-state.tsx'
import { Tabs } from '../../../components/tabs.tsx'
import type { PipelineDetail } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { isMissing } from '../../../lib/problem.ts'
import { useTitle } from '../../../lib/use-title.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { ProblemList } from '../problem-list.tsx'
import { pipelineListQuery, pipelineQuery } from '../queries.ts'
import { useLiveRuns } from '../use-live-runs.ts'
import { PipelineHead } from './pipeline-head.tsx'
import type { PipelineTab } from './place.ts'
import { RunsTab } from './runs-tab.tsx'
import { WaitingTab } from './waiting-tab.tsx'

// Not `lazyPart`: what draws graphs weighs as much as all the rest, and is fetched only where one is.
const GraphTab = lazy(() => import('./graph-tab.tsx'))
const VersionsTab = lazyPart(() => import('./versions-tab.tsx'))
const SourceTab = lazyPart(() => import('./source-tab.tsx'))
const SchedulesTab = lazyPart(() => import('./schedules-tab.tsx'))

export function PipelinePage() {
  const { name } = useParams({ from: '/_app/pipelines/$name' })
  const pipeline = useQuery(pipelineQuery(name))
  useLiveRuns(name)
  if (pipeline.isPending) return <Loading label="Loading the pipeline" />
  if (pipeline.isError && isMissing(pipeline.error)) return <NoSuchPipeline name={name} />
  if (!pipeline.data) return <Failed error={pipeline.error} retry={() => void pipeline.refetch()} />
  return (
    <div className="flex flex-1 flex-col gap-4">
      {pipeline.isError && <Failed error={pipeline.error} retry={() => void pipeline.refetch()} />}
      <Loaded key={name} pipeline={pipeline.data} />
    </div>
  )
}

function Loaded({ pipeline }: { pipeline: PipelineDetail }) {
  const { tab = 'runs' } = useSearch({ from: '/_app/pipelines/$name' })
  const navigate = useNavigate({ from: '/pipelines/$name' })
  useTitle(pipeline.name)
  const go = (next: PipelineTab) => void navigate({ search: next === 'runs' ? {} : { tab: next }, resetScroll: false })
  return (
    <>
      <PipelineHead pipeline={pipeline} />
      {pipeline.problems.length > 0 && (
        <div className="flex flex-col gap-1.5">
          <ProblemList problems={pipeline.problems} label="Problems of the newest source" />
          {pipeline.problems.some(({ severity }) => severity === 'error') && (
            <p className="text-sm text-muted">Version {pipeline.version}, the last good one, stays in force.</p>
          )}
        </div>
      )}
      <Tabs<PipelineTab>
        label="About this pipeline"
        value={tab}
        onChange={go}
        tabs={[
          { key: 'runs', label: 'Runs' },
          { key: 'waiting', label: <Counted text="Waiting" n={pipeline.waiting} /> },
          { key: 'graph', label: <Counted text="Graph" n={pipeline.tasks} /> },
          { key: 'schedules', label: <Counted text="Schedules" n={pipeline.schedules} /> },
          { key: 'versions', label: <Counted text="Versions" n={pipeline.version} /> },
          { key: 'source', label: 'Source' },
        ]}
      >
        <Suspense fallback={<Loading />}>
          {tab === 'runs' && <RunsTab pipeline={pipeline} />}
          {tab === 'waiting' && <WaitingTab pipeline={pipeline} />}
          {tab === 'graph' && <GraphTab pipeline={pipeline} />}
          {tab === 'schedules' && <SchedulesTab pipeline={pipeline} />}
          {tab === 'versions' && <VersionsTab pipeline={pipeline} />}
          {tab === 'source' && <SourceTab pipeline={pipeline} />}
        </Suspense>
      </Tabs>
    </>
  )
}

function Counted({ text, n }: { text: string; n: number }) {
  return (
    <span className="inline-flex items-baseline gap-1.5">
      {text}
      {n > 0 && <span className="text-xs font-normal text-muted tabular-nums">{n.toLocaleString()}</span>}
    </span>
  )
}

function NoSuchPipeline({ name }: { name: string }) {
  const files = useInfiniteQuery(pipelineListQuery({}))
  const path = `pipelines.${name}`
  const wrong = (files.data?.pages[0]?.problems ?? []).filter(
    (one) => one.path === path || one.path.startsWith(`${path}.`) || one.path.startsWith(`${path}[`),
  )
  useTitle(wrong.length > 0 ? `${name} has problems` : 'No such pipeline')
  if (files.isPending) return <Loading label="Loading the pipeline" />
  if (wrong.length > 0) {
    return (
      <div className="flex flex-col gap-3">
        <PageHead title={visibleText(name)} />
        <p className="text-muted">
          It is in a file, but has never come into force: nothing can be started until it is right.
        </p>
        <ProblemList problems={wrong} label="Problems" />
        <Link to="/pipelines" className={cn(buttonLook(), 'self-start')}>
          All pipelines
        </Link>
      </div>
    )
  }
  return (
    <Empty page title="No such pipeline">
      <p className="text-muted">
        There is no pipeline <code className="font-mono break-all">{name}</code>. Its file may be gone, or it was
        deleted.
      </p>
      <Link to="/pipelines" className={buttonLook()}>
        All pipelines
      </Link>
    </Empty>
  )
}
