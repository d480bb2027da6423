import { createFileRoute } from '@tanstack/react-router'
import { AuditPage } from '../features/audit/audit-page.tsx'
import { readAuditFilters } from '../features/audit/filters.ts'

export const Route = createFileRoute('/_app/audit')({ validateSearch: readAuditFilters, component: AuditPage })
