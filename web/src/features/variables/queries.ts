import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, type Variable } from '../../lib/api.ts'
import type { VariablesPlace } from './place.ts'

export const variablesQuery = ({ kind, scope, q }: VariablesPlace) =>
  infiniteQueryOptions({
    queryKey: ['variables', 'list', { kind, scope, q }],
    queryFn: ({ pageParam, signal }) =>
      api.variables.list(
        {
          ...{ limit: 100, cursor: pageParam ?? undefined, scope, search: q },
          secret: kind === undefined ? undefined : kind === 'secret',
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    // Scripts change them.
    refetchInterval: 5_000,
  })

/** With the whole of its value, of which a list has the beginning. */
export const variableQuery = ({ scope, name }: Pick<Variable, 'scope' | 'name'>) =>
  queryOptions({
    queryKey: ['variables', 'one', scope, name],
    queryFn: ({ signal }) => api.variables.get({ scope, name }, { signal }),
    staleTime: 0,
    gcTime: 0,
  })

export const keysQuery = queryOptions({
  queryKey: ['sealing-keys'],
  queryFn: async ({ signal }) => (await api.sealingKeys.list(undefined, { signal })).keys,
  // While values are sealed anew.
  refetchInterval: ({ state: { data } }) => (data?.some(({ state }) => state === 'old') ? 1_000 : 15_000),
})
