import { createFileRoute } from '@tanstack/react-router'
import { EventPage } from '../features/events/page/event-page.tsx'
import { readEventPlace } from '../features/events/place.ts'

export const Route = createFileRoute('/_app/events/$event/')({ validateSearch: readEventPlace, component: EventPage })
