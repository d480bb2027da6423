import { createFileRoute } from '@tanstack/react-router'
import { QueueListPage } from '../features/queues/queue-list-page.tsx'

export const Route = createFileRoute('/_app/queues')({ component: QueueListPage })
