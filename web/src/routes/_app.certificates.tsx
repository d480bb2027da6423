import { createFileRoute } from '@tanstack/react-router'
import { CertificatesPage } from '../features/certificates/certificates-page.tsx'
import { readCertificateFilters } from '../features/certificates/filters.ts'

export const Route = createFileRoute('/_app/certificates')({
  validateSearch: readCertificateFilters,
  component: CertificatesPage,
})
