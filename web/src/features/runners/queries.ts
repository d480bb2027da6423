import { queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'

const order = { online: 0, draining: 1, offline: 2 }

export const runnersQuery = queryOptions({
  queryKey: ['runners'],
  queryFn: async ({ signal }) =>
    (await api.runners.list(undefined, { signal })).runners.toSorted(
      (a, b) => order[a.state] - order[b.state] || a.name.localeCompare(b.name),
    ),
  refetchInterval: 5_000,
})

/** Jobs that some runner has now. */
export const heldJobsQuery = queryOptions({
  queryKey: ['jobs', 'held'],
  queryFn: async ({ signal }) =>
    (await api.jobs.list({ state: ['leased', 'running', 'unknown'], limit: 200 }, { signal })).jobs,
  refetchInterval: 5_000,
})
