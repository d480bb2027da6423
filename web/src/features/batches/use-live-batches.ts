import { useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { Batch, Job } from '../../lib/api.ts'
import type { ServerMessage, Topic } from '../../lib/live.ts'
import { live } from '../../lib/live-page.ts'
import type { BatchFilters } from './filters.ts'
import { applyBatchChanges, type BatchPageOfList } from './list-cache.ts'

/** Changes are gathered this long before anything renders: messages of many batches are one update. */
const gatherMs = 200

interface Gatherer {
  /** Whether there is something to flush. */
  add: (message: ServerMessage) => boolean
  flush: () => void
}

function gathered(topic: Topic, gatherer: Gatherer): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const stop = live.subscribe(
    () => topic,
    (message) => {
      if (!gatherer.add(message)) return
      timer ??= setTimeout(() => {
        timer = undefined
        gatherer.flush()
      }, gatherMs)
    },
  )
  return () => {
    stop()
    clearTimeout(timer)
  }
}

/** Keeps the gallery and every batch that the page knows up to date. */
export function useLiveBatches() {
  const client = useQueryClient()
  useEffect(() => gathered({ topic: 'batches' }, gatherBatches(client)), [client])
}

export function useLiveBatch(id: string) {
  const client = useQueryClient()
  useEffect(() => gathered({ topic: 'batch', batch_id: id, members: false }, gatherBatches(client)), [client, id])
}

/** Keeps the members of one batch that are listed in the gallery up to date, each where it stands. */
export function useLivePeek(id: string) {
  const client = useQueryClient()
  useEffect(() => gathered({ topic: 'batch', batch_id: id, members: true }, gatherMembers(client, id)), [client, id])
}

function gatherBatches(client: QueryClient): Gatherer {
  let changes = new Map<string, Batch | null>()
  return {
    add(message) {
      if (message.type === 'batch') changes.set(message.batch.id, message.batch as Batch)
      else if (message.type === 'batch_gone') changes.set(message.batch_id, null)
      else {
        // At every (re)connect, and when the server had to skip: what happened before is only in the list itself.
        if (message.type === 'subscribed' || message.type === 'resync') invalidateBatches(client)
        return false
      }
      return true
    },
    flush() {
      const now = changes
      changes = new Map()
      for (const query of client.getQueryCache().findAll({ queryKey: ['batches', 'list'] })) {
        const filters = query.queryKey[2] as BatchFilters
        client.setQueryData<InfiniteData<BatchPageOfList, string | null>>(query.queryKey, (data) =>
          data ? { ...data, pages: applyBatchChanges(data.pages, now, filters) } : data,
        )
      }
      for (const [id, batch] of now) {
        const key = ['batches', 'one', id]
        if (batch) client.setQueryData<Batch>(key, batch)
        else void client.invalidateQueries({ queryKey: key })
      }
    },
  }
}

export function invalidateBatches(client: QueryClient) {
  void client.invalidateQueries({ queryKey: ['batches', 'list'] })
  void client.invalidateQueries({ queryKey: ['batches', 'one'] })
}

interface PeekPage {
  jobs: Job[]
}

function gatherMembers(client: QueryClient, id: string): Gatherer {
  let changes = new Map<string, Job>()
  const keys = { queryKey: ['batches', 'peek', id] }
  return {
    add(message) {
      if (message.type === 'job') changes.set(message.job.id, message.job as Job)
      else if (message.type === 'subscribed' || message.type === 'resync') void client.invalidateQueries(keys)
      return changes.size > 0
    },
    flush() {
      const now = changes
      changes = new Map()
      client.setQueriesData<InfiniteData<PeekPage>>(keys, (data) => data && { ...data, pages: patch(data.pages, now) })
    },
  }
}

/** A list in the gallery is for a look; those that begin or fail are added to it up to here. */
const mostPeeked = 300

/** Members that are listed are replaced; those that are not, but run or failed just now, are added. */
function patch(pages: PeekPage[], changes: ReadonlyMap<string, Job>): PeekPage[] {
  const listed = new Set(pages.flatMap(({ jobs }) => jobs.map(({ id }) => id)))
  const fresh = [...changes.values()].filter(
    ({ id, status }) => !listed.has(id) && (status === 'running' || status === 'failed'),
  )
  return pages.map((page, index) => {
    const added = index === 0 && page.jobs.length < mostPeeked ? fresh : []
    if (added.length === 0 && !page.jobs.some(({ id }) => changes.has(id))) return page
    return { ...page, jobs: [...page.jobs.map((job) => changes.get(job.id) ?? job), ...added] }
  })
}
