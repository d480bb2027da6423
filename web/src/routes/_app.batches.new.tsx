import { createFileRoute } from '@tanstack/react-router'
import { NewBatchPage } from '../features/batches/new/new-batch-page.tsx'

export const Route = createFileRoute('/_app/batches/new')({ component: NewBatchPage })
