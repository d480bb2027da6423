import { createFileRoute } from '@tanstack/react-router'
import { NewEventPage } from '../features/events/edit/new-event-page.tsx'
import { readNewPlace } from '../features/events/place.ts'

export const Route = createFileRoute('/_app/events/new')({ validateSearch: readNewPlace, component: NewEventPage })
