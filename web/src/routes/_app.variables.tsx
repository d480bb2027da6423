import { createFileRoute } from '@tanstack/react-router'
import { readVariablesPlace } from '../features/variables/place.ts'
import { VariablesPage } from '../features/variables/variables-page.tsx'

export const Route = createFileRoute('/_app/variables')({
  validateSearch: readVariablesPlace,
  component: VariablesPage,
})
