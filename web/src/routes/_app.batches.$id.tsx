import { createFileRoute } from '@tanstack/react-router'
import { BatchPage } from '../features/batches/batch-page.tsx'
import { readBatchPlace } from '../features/batches/batch-place.ts'

export const Route = createFileRoute('/_app/batches/$id')({
  validateSearch: readBatchPlace,
  component: BatchPage,
})
