import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'
import { letterStates, type FailuresPlace } from './place.ts'

const refetchInterval = 5_000

export const lettersQuery = ({ state, group, event, queue, owner, q }: FailuresPlace) =>
  infiniteQueryOptions({
    queryKey: ['dead-letters', 'list', { state, group, event, queue, owner, q }],
    queryFn: ({ pageParam, signal }) =>
      api.deadLetters.list(
        {
          ...{ limit: 100, cursor: pageParam ?? undefined, group, event, queue, owner, search: q },
          state: state === 'all' ? [...letterStates] : [state ?? 'open'],
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    // A list of many pages is read anew as a whole.
    refetchInterval: (query) => (query.state.data && query.state.data.pages.length > 3 ? false : refetchInterval),
  })

export const groupsQuery = ({ event, q, muted }: FailuresPlace) =>
  infiniteQueryOptions({
    queryKey: ['failure-groups', 'list', { event, q, muted }],
    queryFn: ({ pageParam, signal }) =>
      api.failureGroups.list(
        { limit: 50, cursor: pageParam ?? undefined, event, search: q, muted: muted ? undefined : false },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval,
  })

export const incidentsQuery = ({ event, q, closed }: FailuresPlace) =>
  infiniteQueryOptions({
    queryKey: ['incidents', 'list', { event, q, closed }],
    queryFn: ({ pageParam, signal }) =>
      api.incidents.list(
        {
          ...{ limit: 50, cursor: pageParam ?? undefined, event, search: q },
          state: closed ? undefined : ['open', 'acknowledged'],
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval,
  })

/** For the overview: the newest that nobody has ended. */
export const openIncidentsQuery = queryOptions({
  queryKey: ['incidents', 'open'],
  queryFn: ({ signal }) => api.incidents.list({ limit: 5, state: ['open', 'acknowledged'] }, { signal }),
  refetchInterval,
})

export const incidentQuery = (id: string) =>
  queryOptions({
    queryKey: ['incidents', 'one', id],
    queryFn: ({ signal }) => api.incidents.get({ id }, { signal }),
    refetchInterval,
  })

export const rulesQuery = queryOptions({
  queryKey: ['incidents', 'rules'],
  queryFn: ({ signal }) => api.incidents.rules(undefined, { signal }),
})
