import { createFileRoute } from '@tanstack/react-router'
import { SubmitPage } from '../features/jobs/submit/submit-page.tsx'

export const Route = createFileRoute('/_app/jobs/new')({ component: SubmitPage })
