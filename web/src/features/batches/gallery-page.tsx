import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useMemo, useRef } from 'react'
import { Button, buttonLook } from '../../components/button.tsx'
import { CopyButton, CopyLine } from '../../components/copy-line.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { useKeys } from '../../lib/use-keys.ts'
import { useMe } from '../session/session.ts'
import { BatchCard } from './batch-card.tsx'
import { isFiltered, type BatchFilters } from './filters.ts'
import { GalleryFilters } from './gallery-filters.tsx'
import { batchListQuery } from './queries.ts'
import { useLiveBatches } from './use-live-batches.ts'

export function GalleryPage() {
  const filters = useSearch({ from: '/_app/batches/' })
  const navigate = useNavigate({ from: '/batches/' })
  const search = useRef<HTMLInputElement>(null)
  const mayWrite = useMe()?.role !== 'viewer'
  useLiveBatches()
  useKeys({
    j: () => moveFocus(1),
    k: () => moveFocus(-1),
    '/': () => search.current?.focus(),
  })
  const change = (part: BatchFilters) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: 'name' in part, resetScroll: false })
  const clear = () => void navigate({ search: {} })
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Batches">
        {mayWrite && (
          <Link to="/batches/new" className={buttonLook('primary')}>
            <Plus aria-hidden className="size-4" /> New batch
          </Link>
        )}
      </PageHead>
      <GalleryFilters filters={filters} onChange={change} onClear={clear} searchRef={search} />
      <Gallery filters={filters} onClear={clear} />
    </div>
  )
}

function moveFocus(step: 1 | -1) {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-batch-link]')]
  const now = rows.indexOf(document.activeElement as HTMLElement)
  const next = now < 0 ? rows[0] : rows[Math.min(rows.length - 1, Math.max(0, now + step))]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}

function Gallery({ filters, onClear }: { filters: BatchFilters; onClear: () => void }) {
  const list = useInfiniteQuery(batchListQuery(filters))
  const batches = useMemo(() => list.data?.pages.flatMap((page) => page.batches) ?? [], [list.data])
  if (list.isPending) return <Loading rows={6} label="Loading batches" />
  return (
    <>
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {batches.length === 0 &&
        !list.isError &&
        !list.hasNextPage &&
        (isFiltered(filters) ? <NoMatch onClear={onClear} /> : <FirstStep />)}
      {batches.length > 0 && (
        <ul aria-label="Batches, newest first" className="flex flex-col gap-2">
          {batches.map((batch) => (
            <BatchCard key={batch.id} batch={batch} />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          label="Load older batches"
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
    </>
  )
}

function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty title="No batch matches">
      <p className="text-muted">Nothing here fits all the filters above.</p>
      <Button onClick={onClear}>Clear filters</Button>
    </Empty>
  )
}

const file = `name: first-batch
matrix:
  shard: ["1..8"]
job:
  name: shard {{matrix.shard}}
  command: [bash, -c, "sleep 1; echo shard {{matrix.shard}}"]`

const curl = () => `curl -H "Authorization: Bearer $TOKEN" ${location.origin}/api/v1/job-batches \\
  --json '{"name": "nightly-ui-suite", "description": "500 chromium tests", "jobs": [
    {"name": "test-1", "command": ["pytest", "tests/test_1.py"]},
    {"name": "test-2", "command": ["pytest", "tests/test_2.py"]}]}'`

function FirstStep() {
  return (
    <Empty title="No batches yet">
      <p className="text-muted">
        A batch runs many jobs as one thing to watch.{' '}
        <Link to="/batches/new" className="font-medium text-accent underline underline-offset-2">
          Make one in this page
        </Link>
        , or in a terminal: write this to <code className="font-mono text-sm">batch.yml</code>,
      </p>
      <Snippet label="batch.yml" text={file} />
      <p className="text-muted">submit it,</p>
      <CopyLine className="w-full" text="npx runyard batch submit batch.yml" />
      <p className="text-muted">or send it over the API:</p>
      <Snippet label="the request" text={curl()} />
    </Empty>
  )
}

function Snippet({ label, text }: { label: string; text: string }) {
  return (
    <div className="flex w-full items-start gap-1 rounded-md border border-line bg-sunken py-0.5 pr-0.5 pl-3">
      <pre
        tabIndex={0}
        role="region"
        aria-label={label}
        className="min-w-0 flex-1 overflow-x-auto py-1 text-left font-mono text-sm"
      >
        {text}
      </pre>
      <CopyButton text={text} label={`Copy ${label}`} />
    </div>
  )
}
