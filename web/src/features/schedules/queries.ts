import { keepPreviousData, infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'
import type { Timing } from './schedule-form.ts'

/** Of one pipeline, or all. Ticks come without any word on the live connection. */
export const schedulesQuery = (pipeline?: string) =>
  infiniteQueryOptions({
    queryKey: ['schedules', 'list', pipeline ?? 'all'],
    queryFn: ({ pageParam, signal }) =>
      api.schedules.list({ pipeline, limit: 100, cursor: pageParam ?? undefined }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: 5_000,
  })

/** The next times of what is being typed. */
export const previewQuery = (timing: Timing) =>
  queryOptions({
    queryKey: ['schedules', 'preview', timing],
    queryFn: ({ signal }) => api.schedules.preview({ ...timing, count: 10 }, { signal }),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 60_000,
  })

export const ticksQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['schedules', 'ticks', id],
    queryFn: ({ pageParam, signal }) =>
      api.schedules.ticks({ id, limit: 50, before: pageParam ?? undefined }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_before,
    refetchInterval: 5_000,
  })
