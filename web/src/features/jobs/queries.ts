import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'
import { labelPairs, sinceInstant, type JobFilters } from './filters.ts'
import { isWaiting } from './states.ts'

const pageSize = 100

export const jobListQuery = (filters: JobFilters) =>
  infiniteQueryOptions({
    queryKey: ['jobs', 'list', filters],
    queryFn: ({ pageParam, signal }) =>
      api.jobs.list(
        {
          limit: pageSize,
          cursor: pageParam ?? undefined,
          status: filters.status,
          state: filters.state,
          queue: filters.queue,
          executor: filters.executor as never,
          host: filters.host,
          owner: filters.owner,
          batch_id: filters.batch_id,
          label: filters.label ? labelPairs(filters.label) : undefined,
          since: filters.since && sinceInstant(filters.since, Date.now()),
          name: filters.q,
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  })

export const statsQuery = queryOptions({
  queryKey: ['jobs', 'stats'],
  queryFn: ({ signal }) => api.jobs.stats(undefined, { signal }),
  // The live connection says when to ask again; this is for when it cannot.
  refetchInterval: 15_000,
})

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ['jobs', 'one', id],
    queryFn: ({ signal }) => api.jobs.get({ id }, { signal }),
    // Why a job waits can change without any change of the job itself: another job ends, a runner comes.
    refetchInterval: ({ state }) => (state.data && isWaiting(state.data.state) ? 3_000 : false),
  })

export const attemptsQuery = (id: string) =>
  queryOptions({
    queryKey: ['jobs', 'attempts', id],
    queryFn: async ({ signal }) => (await api.jobs.attempts({ id }, { signal })).attempts,
  })

export const queuesQuery = queryOptions({
  queryKey: ['queues'],
  queryFn: async ({ signal }) => (await api.queues.list(undefined, { signal })).queues,
  staleTime: 60_000,
})
