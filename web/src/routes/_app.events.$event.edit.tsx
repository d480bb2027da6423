import { createFileRoute } from '@tanstack/react-router'
import { EditEventPage } from '../features/events/edit/edit-event-page.tsx'
import { readEditPlace } from '../features/events/place.ts'

export const Route = createFileRoute('/_app/events/$event/edit')({
  validateSearch: readEditPlace,
  component: EditEventPage,
})
