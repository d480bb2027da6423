import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Suspense, useMemo, useState } from 'react'
import { Button, buttonLook, Toggle } from '../../components/button.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import type { Batch, Job, StatusWord } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { count } from './count-words.tsx'
import { batchWords } from './filters.ts'
import { MemberLine } from './member-line.tsx'
import { peekOrder, peekQuery } from './queries.ts'
import { useLivePeek } from './use-live-batches.ts'

const LogDrawer = lazyPart(() => import('./log-drawer.tsx'))

/** The members of a batch inside the gallery: failed ones first, a page at a time. */
export default function MemberPeek({ batch }: { batch: Batch }) {
  const [status, setStatus] = useState<StatusWord | undefined>()
  const [logOf, setLogOf] = useState<string | null>(null)
  const list = useInfiniteQuery(peekQuery(batch.id, status))
  useLivePeek(batch.id)
  const members = useMemo(
    () => onceEach(list.data?.pages.flatMap((page) => page.jobs) ?? [], status),
    [list.data, status],
  )
  return (
    <div className="flex flex-col gap-2 p-2 sm:px-4 sm:py-3">
      <div className="flex flex-wrap items-center gap-1">
        <div role="group" aria-label="Which members" className="flex flex-wrap gap-1">
          <Toggle pressed={status === undefined} onClick={() => setStatus(undefined)}>
            All {count.format(batch.counts.total)}
          </Toggle>
          {batchWords
            .filter(({ word }) => batch.counts[word] > 0 || word === status)
            .map(({ word, label }) => (
              <Toggle key={word} pressed={status === word} onClick={() => setStatus(word)}>
                {label} {count.format(batch.counts[word])}
              </Toggle>
            ))}
        </div>
        <Link
          to="/batches/$id"
          params={{ id: batch.id }}
          search={{ status }}
          className={buttonLook('plain', 'small', 'ml-auto')}
        >
          Open all
        </Link>
      </div>
      {list.isPending && <Loading rows={4} label="Loading members" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && members.length === 0 && (
        <p className="px-2 py-3 text-muted">No member is in this state now.</p>
      )}
      {members.length > 0 && (
        <ul
          aria-label={`Members of ${visibleText(batch.name)}`}
          className="max-h-[26rem] overflow-y-auto rounded-md border border-line"
        >
          {members.map((job) => (
            <MemberLine key={job.id} job={job} onLog={setLogOf} />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <Button
          size="small"
          className="self-center"
          disabled={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {list.isFetchingNextPage ? 'Loading…' : 'More members'}
        </Button>
      )}
      <Suspense>
        {logOf && (
          <LogDrawer id={logOf} ids={members.map(({ id }) => id)} onGo={setLogOf} onClose={() => setLogOf(null)} />
        )}
      </Suspense>
    </div>
  )
}

/**
 * A member that moves on while the pages are read is on two of them; one that left the status is no longer shown; one
 * that has failed since goes up.
 */
function onceEach(jobs: Job[], status: StatusWord | undefined): Job[] {
  const unique = [...new Map(jobs.map((job) => [job.id, job])).values()]
  return peekOrder.flatMap((word) =>
    status === undefined || status === word ? unique.filter((job) => job.status === word) : [],
  )
}
