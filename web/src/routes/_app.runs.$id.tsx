import { createFileRoute } from '@tanstack/react-router'
import { readRunPlace } from '../features/pipelines/run/place.ts'
import { RunPage } from '../features/pipelines/run/run-page.tsx'

export const Route = createFileRoute('/_app/runs/$id')({ validateSearch: readRunPlace, component: RunPage })
