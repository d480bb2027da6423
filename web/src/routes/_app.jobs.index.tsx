import { createFileRoute } from '@tanstack/react-router'
import { readFilters } from '../features/jobs/filters.ts'
import { JobListPage } from '../features/jobs/job-list-page.tsx'

export const Route = createFileRoute('/_app/jobs/')({
  validateSearch: readFilters,
  component: JobListPage,
})
