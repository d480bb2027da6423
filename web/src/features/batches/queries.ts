import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, type Job, type StatusWord } from '../../lib/api.ts'
import { sinceInstant } from '../jobs/filters.ts'
import type { BatchFilters } from './filters.ts'

export const batchListQuery = (filters: BatchFilters) =>
  infiniteQueryOptions({
    queryKey: ['batches', 'list', filters],
    queryFn: ({ pageParam, signal }) =>
      api.batches.list(
        {
          limit: 30,
          cursor: pageParam ?? undefined,
          status: filters.status,
          name: filters.name,
          owner: filters.owner,
          since: filters.since && sinceInstant(filters.since, Date.now()),
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  })

export const batchQuery = (id: string) =>
  queryOptions({ queryKey: ['batches', 'one', id], queryFn: ({ signal }) => api.batches.get({ id }, { signal }) })

/** Batches made by running this one again. */
export const rerunsQuery = (id: string) =>
  queryOptions({
    queryKey: ['batches', 'reruns', id],
    queryFn: async ({ signal }) => (await api.batches.list({ rerun_of: id, limit: 20 }, { signal })).batches,
    staleTime: 30_000,
  })

/** What needs a look comes first. */
export const peekOrder: readonly StatusWord[] = ['failed', 'running', 'waiting', 'cancelled', 'passed']

interface PeekPlace {
  status: StatusWord
  cursor?: string
}

/** Members of one status, or of all: failed ones first. The server lists one status at a time, so the pages do it too. */
export const peekQuery = (id: string, status: StatusWord | undefined, limit = 50) =>
  infiniteQueryOptions({
    queryKey: ['batches', 'peek', id, status ?? 'all'],
    queryFn: async ({ pageParam, signal }) => {
      let next: PeekPlace | undefined = pageParam
      const jobs: Job[] = []
      while (next !== undefined && jobs.length < limit) {
        const page = await api.jobs.list({ batch_id: id, ...next, limit }, { signal })
        jobs.push(...page.jobs)
        next = following(next, page.next_cursor, status)
      }
      return { jobs, next }
    },
    initialPageParam: { status: status ?? peekOrder[0]! } as PeekPlace,
    getNextPageParam: (page) => page.next,
  })

function following(place: PeekPlace, cursor: string | null, only: StatusWord | undefined): PeekPlace | undefined {
  if (cursor !== null) return { ...place, cursor }
  const status = only ? undefined : peekOrder[peekOrder.indexOf(place.status) + 1]
  return status && { status }
}

export interface TestFilters {
  status?: 'passed' | 'failed' | 'skipped'
  sort: 'status' | 'slowest'
  name?: string
}

export const batchTestsQuery = (id: string, filters: TestFilters) =>
  infiniteQueryOptions({
    queryKey: ['batches', 'tests', id, filters],
    queryFn: ({ pageParam, signal }) =>
      api.batches.tests({ id, ...filters, limit: 100, cursor: pageParam ?? undefined }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  })

export const noticesQuery = (id: string) =>
  queryOptions({
    queryKey: ['batches', 'notices', id],
    queryFn: async ({ signal }) =>
      (await api.messageDeliveries.list({ about: `batch:${id}`, limit: 100 }, { signal })).deliveries,
    // A notice is tried again for hours; nobody tells this page.
    refetchInterval: 5_000,
  })
