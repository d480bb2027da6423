import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, type EventDefinitionInput } from '../../lib/api.ts'
import type { EventFilters } from './filters.ts'
import type { RunFilters } from './place.ts'
import { isOpen } from './words.ts'

/** While the server is away, what was seen an hour ago is better than nothing. */
const keptMs = 3_600_000
/** Runs and next times move without any word on the live connection. */
const listMs = 4_000
const openMs = 1_000

export const eventListQuery = ({ q, status, kind, tag, owner, failing }: EventFilters) =>
  infiniteQueryOptions({
    queryKey: ['events', 'list', { q, status, kind, tag, owner, failing }],
    queryFn: ({ pageParam, signal }) =>
      api.events.list(
        { limit: 100, cursor: pageParam ?? undefined, search: q, status, kind, tag, owner, failing },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: listMs,
    gcTime: keptMs,
  })

/** For a choice: names only matter. */
export const eventNamesQuery = queryOptions({
  queryKey: ['events', 'names'],
  queryFn: async ({ signal }) => (await api.events.list({ limit: 200 }, { signal })).events,
  staleTime: 30_000,
})

export const eventQuery = (event: string) =>
  queryOptions({
    queryKey: ['events', 'one', event],
    queryFn: ({ signal }) => api.events.get({ event }, { signal }),
    refetchInterval: listMs,
    gcTime: keptMs,
  })

export const versionsQuery = (event: string, current: number) =>
  queryOptions({
    queryKey: ['events', 'versions', event, current],
    queryFn: async ({ signal }) => (await api.events.versions({ event }, { signal })).versions,
    placeholderData: keepPreviousData,
  })

export const diffQuery = (event: string, from: number, to: number) =>
  queryOptions({
    queryKey: ['events', 'diff', event, from, to],
    queryFn: ({ signal }) => api.events.diff({ event, from, to }, { signal }),
    // What two versions say never changes.
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  })

export const yamlQuery = (event: string, version: number) =>
  queryOptions({
    queryKey: ['events', 'yaml', event, version],
    queryFn: async ({ signal }) => (await api.events.export({ event }, { signal })).yaml,
  })

/** All mistakes of what is being typed, and what would be made of it. */
export const checkQuery = (name: string | undefined, definition: EventDefinitionInput) =>
  queryOptions({
    queryKey: ['events', 'check', name, definition],
    queryFn: ({ signal }) => api.events.check({ name, definition: definition as never }, { signal }),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 60_000,
    gcTime: 60_000,
  })

export const runListQuery = (event: string | undefined, { status, trigger }: RunFilters) =>
  infiniteQueryOptions({
    queryKey: ['event-runs', 'list', event ?? 'all', { status, trigger }],
    queryFn: ({ pageParam, signal }) =>
      api.eventRuns.list({ event, limit: 40, cursor: pageParam ?? undefined, status, trigger }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.pages.some(({ runs }) => runs.some(isOpen)) ? openMs * 2 : listMs),
  })

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ['event-runs', 'one', id],
    queryFn: ({ signal }) => api.eventRuns.get({ id }, { signal }),
    // Until its actions are decided, and while one of them is to come.
    refetchInterval: ({ state: { data } }) => {
      if (!data) return false
      if (isOpen(data) || data.settled_at === null) return openMs
      return data.actions.some(({ state }) => state === 'due') ? listMs : false
    },
  })

export const statsQuery = (event: string, days: number) =>
  queryOptions({
    queryKey: ['events', 'stats', event, days],
    queryFn: ({ signal }) => api.analytics.series({ event, days }, { signal }),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  })

export const toolsQuery = queryOptions({
  queryKey: ['tools'],
  queryFn: async ({ signal }) => (await api.tools.list(undefined, { signal })).tools,
  staleTime: 300_000,
})

export const templatesQuery = queryOptions({
  queryKey: ['message-templates', 'list'],
  queryFn: async ({ signal }) => (await api.messageTemplates.list(undefined, { signal })).templates,
  staleTime: 15_000,
})

export const secretNamesQuery = queryOptions({
  queryKey: ['variables', 'names', 'secrets'],
  queryFn: async ({ signal }) => (await api.variables.list({ secret: true, limit: 200 }, { signal })).variables,
  staleTime: 15_000,
})

export const webhooksQuery = (event: string) =>
  queryOptions({
    queryKey: ['webhooks', 'event', event],
    queryFn: async ({ signal }) => (await api.webhooks.list({ event }, { signal })).webhooks,
  })

export const eventSchedulesQuery = (event: string) =>
  infiniteQueryOptions({
    queryKey: ['schedules', 'list', 'event', event],
    queryFn: ({ pageParam, signal }) =>
      api.schedules.list({ event, limit: 100, cursor: pageParam ?? undefined }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: 5_000,
  })

export const webhookDeliveriesQuery = (event: string, name: string) =>
  queryOptions({
    queryKey: ['webhooks', 'deliveries', event, name],
    queryFn: async ({ signal }) => (await api.webhooks.deliveries({ event, name, limit: 50 }, { signal })).deliveries,
    refetchInterval: 3_000,
  })
