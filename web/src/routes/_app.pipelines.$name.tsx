import { createFileRoute } from '@tanstack/react-router'
import { PipelinePage } from '../features/pipelines/page/pipeline-page.tsx'
import { readPipelinePlace } from '../features/pipelines/page/place.ts'

export const Route = createFileRoute('/_app/pipelines/$name')({
  validateSearch: readPipelinePlace,
  component: PipelinePage,
})
