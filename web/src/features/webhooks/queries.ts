import { queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'

export const allWebhooksQuery = queryOptions({
  queryKey: ['webhooks', 'all'],
  queryFn: async ({ signal }) => (await api.webhooks.all(undefined, { signal })).webhooks,
  refetchInterval: 5_000,
})
