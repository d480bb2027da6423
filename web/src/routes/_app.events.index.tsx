import { createFileRoute } from '@tanstack/react-router'
import { readEventFilters } from '../features/events/filters.ts'
import { EventListPage } from '../features/events/list/event-list-page.tsx'

export const Route = createFileRoute('/_app/events/')({ validateSearch: readEventFilters, component: EventListPage })
