import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'
import type { HostsPlace } from './place.ts'

/** Breakers and connections change without anybody's act. */
const refetchInterval = 5_000

export const hostsQuery = (place: HostsPlace) =>
  infiniteQueryOptions({
    queryKey: ['hosts', 'list', place.q, place.state, place.label],
    queryFn: ({ pageParam, signal }) =>
      api.hosts.list(
        {
          limit: 100,
          cursor: pageParam ?? undefined,
          search: place.q,
          state: place.state,
          label: place.label,
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval,
  })

export const hostQuery = (name: string) =>
  queryOptions({
    queryKey: ['hosts', 'one', name],
    queryFn: ({ signal }) => api.hosts.get({ name }, { signal }),
    refetchInterval,
  })

/** What a form offers: the first hundreds of names, and their labels. */
export const hostNamesQuery = queryOptions({
  queryKey: ['hosts', 'names'],
  queryFn: async ({ signal }) => (await api.hosts.list({ limit: 500 }, { signal })).hosts,
  staleTime: 60_000,
})
