import { createFileRoute } from '@tanstack/react-router'
import { HelpersPage } from '../features/events/helpers/helpers-page.tsx'

export const Route = createFileRoute('/_app/events/helpers')({ component: HelpersPage })
