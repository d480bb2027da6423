import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'
import { outcomes, type ChannelSearch } from './filters.ts'

const refetchInterval = 15_000

export const channelsQuery = queryOptions({
  queryKey: ['channels', 'list'],
  queryFn: async ({ signal }) => (await api.channels.list(undefined, { signal })).channels,
  refetchInterval,
})

export const deliveriesQuery = ({ channel, outcome }: ChannelSearch) =>
  infiniteQueryOptions({
    queryKey: ['channels', 'deliveries', channel, outcome],
    queryFn: ({ pageParam, signal }) =>
      api.messageDeliveries.list(
        { limit: 50, cursor: pageParam ?? undefined, channel, state: outcome && outcomes[outcome].states.join(',') },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval,
  })
