import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'
import type { AnalyticsPlace } from './place.ts'

/** Numbers of days: nobody waits for the next one. */
const common = { placeholderData: keepPreviousData, staleTime: 15_000, refetchInterval: 60_000 } as const

export const tableQuery = ({ days = 7, by, sort, q }: AnalyticsPlace) =>
  queryOptions({
    queryKey: ['analytics', 'table', { days, by, sort, q }],
    queryFn: ({ signal }) =>
      api.analytics.table({ days, by: by ?? 'event', sort: sort ?? 'runs', search: q, limit: 100 }, { signal }),
    ...common,
  })

export const seriesQuery = ({ days = 7, event, pipeline }: AnalyticsPlace) =>
  queryOptions({
    queryKey: ['analytics', 'series', { days, event, pipeline }],
    queryFn: ({ signal }) => api.analytics.series({ days, event, pipeline }, { signal }),
    ...common,
  })

export const heatQuery = ({ days = 7, event }: AnalyticsPlace, zone: string) =>
  queryOptions({
    queryKey: ['analytics', 'heat', { days, event, zone }],
    queryFn: async ({ signal }) => (await api.analytics.heat({ days, event, zone }, { signal })).cells,
    ...common,
  })

export const troublesQuery = ({ days = 7 }: AnalyticsPlace) =>
  queryOptions({
    queryKey: ['analytics', 'troubles', days],
    queryFn: ({ signal }) => api.analytics.troubles({ days }, { signal }),
    ...common,
  })
