import { queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'
import { newestEnds } from './newest-ends.ts'

/** How often the overview asks. A topic would bring every change of every job, of which it shows five sums. */
export const overviewMs = 3_000

export const throughputQuery = (minutes: number) =>
  queryOptions({
    queryKey: ['jobs', 'throughput', minutes],
    queryFn: async ({ signal }) => (await api.jobs.throughput({ minutes }, { signal })).minutes,
    // One minute is one bar: every few seconds is live enough, and costs the server little.
    refetchInterval: 5_000,
  })

export const recentBatchesQuery = queryOptions({
  queryKey: ['batches', 'recent'],
  queryFn: async ({ signal }) => (await api.batches.list({ limit: 6 }, { signal })).batches,
  refetchInterval: overviewMs,
})

export const recentFailuresQuery = queryOptions({
  queryKey: ['jobs', 'recent failures'],
  queryFn: async ({ signal }) => newestEnds((await api.jobs.list({ status: ['failed'], limit: 100 }, { signal })).jobs),
  // The server lists by creation, so more are read than shown.
  refetchInterval: 10_000,
})

export const failingEventsQuery = queryOptions({
  queryKey: ['events', 'failing'],
  queryFn: ({ signal }) => api.events.list({ failing: true, limit: 5 }, { signal }),
  refetchInterval: 10_000,
})
