import { queryOptions, useQuery } from '@tanstack/react-query'
import { api, type Me } from '../../lib/api.ts'
import { live } from '../../lib/live-page.ts'
import { queryClient } from '../../lib/query-client.ts'

export const meQuery = queryOptions({ queryKey: ['me'], queryFn: () => api.me(), staleTime: 60_000 })

export const useMe = (): Me | undefined => useQuery(meQuery).data

/** Operators see and count their own jobs; administrators and viewers those of all. */
export const useSeesOnlyOwn = (): boolean => useMe()?.role === 'operator'

export async function signIn(username: string, password: string): Promise<void> {
  const { user } = await api.session.create({ username, password })
  queryClient.clear()
  queryClient.setQueryData(meQuery.queryKey, user)
}

export async function signOut(): Promise<void> {
  live.close()
  await api.session.delete()
  queryClient.clear()
}
