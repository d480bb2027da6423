import { createFileRoute } from '@tanstack/react-router'
import { AnalyticsPage } from '../features/analytics/analytics-page.tsx'
import { readAnalyticsPlace } from '../features/analytics/place.ts'

export const Route = createFileRoute('/_app/analytics')({
  validateSearch: readAnalyticsPlace,
  component: AnalyticsPage,
})
