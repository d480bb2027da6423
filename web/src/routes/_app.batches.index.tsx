import { createFileRoute } from '@tanstack/react-router'
import { readBatchFilters } from '../features/batches/filters.ts'
import { GalleryPage } from '../features/batches/gallery-page.tsx'

export const Route = createFileRoute('/_app/batches/')({
  validateSearch: readBatchFilters,
  component: GalleryPage,
})
