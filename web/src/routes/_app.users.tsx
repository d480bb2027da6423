import { createFileRoute } from '@tanstack/react-router'
import { readUserFilters } from '../features/users/filters.ts'
import { UsersPage } from '../features/users/users-page.tsx'

export const Route = createFileRoute('/_app/users')({ validateSearch: readUserFilters, component: UsersPage })
