import { createFileRoute } from '@tanstack/react-router'
import { FailuresPage } from '../features/failures/failures-page.tsx'
import { readFailuresPlace } from '../features/failures/place.ts'

export const Route = createFileRoute('/_app/failures')({ validateSearch: readFailuresPlace, component: FailuresPage })
