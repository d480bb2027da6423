import { createFileRoute } from '@tanstack/react-router'
import { readTestsPlace } from '../features/tests/place.ts'
import { TestsPage } from '../features/tests/tests-page.tsx'

export const Route = createFileRoute('/_app/tests')({ validateSearch: readTestsPlace, component: TestsPage })
