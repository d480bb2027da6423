import { createFileRoute } from '@tanstack/react-router'
import { readRunPlace } from '../features/events/place.ts'
import { EventRunPage } from '../features/events/run/event-run-page.tsx'

export const Route = createFileRoute('/_app/event-runs/$id')({ validateSearch: readRunPlace, component: EventRunPage })
