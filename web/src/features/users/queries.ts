import { queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: async ({ signal }) => (await api.users.list(undefined, { signal })).users,
  refetchInterval: 15_000,
})
