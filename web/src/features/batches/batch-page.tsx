import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Suspense } from 'react'
import { Badge } from '../../components/badge.tsx'
import { buttonLook } from '../../components/button.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { Tabs } from '../../components/tabs.tsx'
import type { Batch } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { isMissing } from '../../lib/problem.ts'
import { useTitle } from '../../lib/use-title.ts'
import { BatchDetails } from './batch-details.tsx'
import { BatchHead } from './batch-head.tsx'
import { BatchNotices } from './batch-notices.tsx'
import { BatchNumbers } from './batch-numbers.tsx'
import type { BatchTab } from './batch-place.ts'
import { count } from './count-words.tsx'
import { labelOf } from './filters.ts'
import { Members } from './members/members.tsx'
import { percentDone } from './progress.ts'
import { batchQuery } from './queries.ts'
import { useLiveBatch } from './use-live-batches.ts'

const BatchTests = lazyPart(() => import('./batch-tests.tsx'))

export function BatchPage() {
  const { id } = useParams({ from: '/_app/batches/$id' })
  const batch = useQuery(batchQuery(id))
  useLiveBatch(id)
  if (batch.isPending) return <Loading label="Loading the batch" />
  if (batch.isError && isMissing(batch.error)) return <NoSuchBatch id={id} />
  if (!batch.data) return <Failed error={batch.error} retry={() => void batch.refetch()} />
  return (
    <div className="flex flex-1 flex-col gap-4">
      {batch.isError && <Failed error={batch.error} retry={() => void batch.refetch()} />}
      <Loaded key={id} batch={batch.data} />
    </div>
  )
}

function Loaded({ batch }: { batch: Batch }) {
  const { tab = 'members' } = useSearch({ from: '/_app/batches/$id' })
  const navigate = useNavigate({ from: '/batches/$id' })
  // In the title the progress is seen in the browser's tab, from another page.
  useTitle(batch.ended_at ? `${labelOf(batch.status)}: ${batch.name}` : `${percentDone(batch.counts)}% ${batch.name}`)
  const go = (next: BatchTab) => void navigate({ search: next === 'members' ? {} : { tab: next }, resetScroll: false })
  return (
    <>
      <BatchHead batch={batch} />
      <p aria-live="polite" className="sr-only">
        {labelOf(batch.status)}
      </p>
      <BatchNumbers batch={batch} />
      <Tabs<BatchTab>
        label="About this batch"
        value={tab}
        onChange={go}
        tabs={[
          { key: 'members', label: <Counted text="Members" n={batch.counts.total} /> },
          { key: 'tests', label: <Counted text="Tests" n={batch.tests?.total} bad={batch.tests?.failed} /> },
          { key: 'notices', label: 'Notices' },
          { key: 'details', label: 'Details' },
        ]}
      >
        {tab === 'members' && <Members batch={batch} />}
        <Suspense fallback={<Loading label="Loading tests" />}>
          {tab === 'tests' && <BatchTests batch={batch} />}
        </Suspense>
        {tab === 'notices' && <BatchNotices batch={batch} />}
        {tab === 'details' && <BatchDetails batch={batch} />}
      </Tabs>
    </>
  )
}

function Counted({ text, n, bad }: { text: string; n: number | undefined; bad?: number }) {
  return (
    <span className="inline-flex items-baseline gap-1.5">
      {text}
      {n !== undefined && <span className="text-xs font-normal text-muted tabular-nums">{count.format(n)}</span>}
      {bad !== undefined && bad > 0 && <Badge tone="bad">{count.format(bad)} failed</Badge>}
    </span>
  )
}

function NoSuchBatch({ id }: { id: string }) {
  useTitle('No such batch')
  return (
    <Empty page title="No such batch">
      <p className="text-muted">
        There is no batch <code className="font-mono break-all">{id}</code>, or it is not yours to see. It may have been
        deleted.
      </p>
      <Link to="/batches" className={buttonLook()}>
        All batches
      </Link>
    </Empty>
  )
}
