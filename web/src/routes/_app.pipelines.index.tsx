import { createFileRoute } from '@tanstack/react-router'
import { readPipelineFilters } from '../features/pipelines/filters.ts'
import { PipelineListPage } from '../features/pipelines/list/pipeline-list-page.tsx'

export const Route = createFileRoute('/_app/pipelines/')({
  validateSearch: readPipelineFilters,
  component: PipelineListPage,
})
