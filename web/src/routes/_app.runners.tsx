import { createFileRoute } from '@tanstack/react-router'
import { RunnersPage } from '../features/runners/runners-page.tsx'

export const Route = createFileRoute('/_app/runners')({ component: RunnersPage })
