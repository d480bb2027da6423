import { createFileRoute } from '@tanstack/react-router'
import { JobPage } from '../features/jobs/job-page.tsx'
import { readLogPlace } from '../features/logs/log-place.ts'

export const Route = createFileRoute('/_app/jobs/$id')({
  validateSearch: readLogPlace,
  component: JobPage,
})
