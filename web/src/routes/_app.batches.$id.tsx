import { createFileRoute } from '@tanstack/react-router'

export const Route = createFileRoute('/_app/batches/$id')({ component: () => null })
