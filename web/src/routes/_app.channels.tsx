import { createFileRoute } from '@tanstack/react-router'
import { ChannelsPage } from '../features/channels/channels-page.tsx'
import { readChannelSearch } from '../features/channels/filters.ts'

export const Route = createFileRoute('/_app/channels')({
  validateSearch: readChannelSearch,
  component: ChannelsPage,
})
