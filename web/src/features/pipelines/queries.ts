import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, type PipelineRun } from '../../lib/api.ts'
import { sinceInstant, type Age } from '../jobs/filters.ts'
import type { PipelineFilters } from './filters.ts'
import { isRunOpen, type RunStatus } from './words.ts'

/** While the server is away, what was seen an hour ago is better than nothing. */
const keptMs = 3_600_000

/** Counts and next times move without any word on the live connection. */
const listMs = 5_000

export const pipelineListQuery = ({ q, source }: PipelineFilters) =>
  infiniteQueryOptions({
    queryKey: ['pipelines', 'list', { q, source }],
    queryFn: ({ pageParam, signal }) =>
      api.pipelines.list({ limit: 100, cursor: pageParam ?? undefined, search: q, source }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: listMs,
    gcTime: keptMs,
  })

export const pipelineQuery = (name: string, version?: number) =>
  queryOptions({
    queryKey: ['pipelines', 'one', name, version ?? 'now'],
    queryFn: ({ signal }) => api.pipelines.get({ name, version }, { signal }),
    refetchInterval: version === undefined ? listMs : false,
    gcTime: keptMs,
  })

/** `current` is the version in force: with another the list is another. */
export const versionsQuery = (name: string, current: number) =>
  infiniteQueryOptions({
    queryKey: ['pipelines', 'versions', name, current],
    queryFn: ({ pageParam, signal }) =>
      api.pipelines.versions({ name, limit: 50, cursor: pageParam ?? undefined }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  })

export const diffQuery = (name: string, from: number, to: number) =>
  queryOptions({
    queryKey: ['pipelines', 'diff', name, from, to],
    queryFn: ({ signal }) => api.pipelines.diff({ name, from, to }, { signal }),
    // What two versions say never changes.
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  })

export interface RunFilters {
  status?: RunStatus
  trigger?: PipelineRun['trigger']
  since?: Age
}

export const runListQuery = (pipeline: string, { status, trigger, since }: RunFilters) =>
  infiniteQueryOptions({
    queryKey: ['pipeline-runs', 'list', pipeline, { status, trigger, since }],
    queryFn: ({ pageParam, signal }) =>
      api.pipelineRuns.list(
        {
          pipeline,
          limit: 30,
          cursor: pageParam ?? undefined,
          status,
          trigger,
          since: since && sinceInstant(since, Date.now()),
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  })

/** In the order in which they will start. */
export const waitingRunsQuery = (pipeline: string) =>
  queryOptions({
    queryKey: ['pipeline-runs', 'waiting', pipeline],
    queryFn: async ({ signal }) => {
      const { runs } = await api.pipelineRuns.list({ pipeline, status: 'waiting', limit: 200 }, { signal })
      return runs.toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0))
    },
    refetchInterval: listMs,
  })

/** How often what is open is read again while nobody tells its changes. */
const pollMs = 2_000

export const runQuery = (id: string, told: boolean) =>
  queryOptions({
    queryKey: ['pipeline-runs', 'one', id],
    queryFn: ({ signal }) => api.pipelineRuns.get({ id }, { signal }),
    refetchInterval: ({ state: { data } }) => (!told && data && isRunOpen(data) ? pollMs : false),
  })

export const tasksQuery = (id: string, poll: boolean) =>
  queryOptions({
    queryKey: ['pipeline-runs', 'tasks', id],
    queryFn: async ({ signal }) => (await api.pipelineRuns.tasks({ id }, { signal })).tasks,
    refetchInterval: poll ? pollMs : false,
  })
