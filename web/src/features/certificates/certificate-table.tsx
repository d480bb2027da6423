import { Ban } from 'lucide-react'
import { Badge, type BadgeTone } from '../../components/badge.tsx'
import { IconButton } from '../../components/button.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ActsTd, ActsTh, nameCell, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import type { Certificate } from '../../lib/api.ts'
import { inUse } from './filters.ts'

const tones: Record<Certificate['state'], BadgeTone> = {
  valid: 'good',
  ends_soon: 'warn',
  suspended: 'warn',
  ended: 'plain',
  revoked: 'bad',
  spent: 'plain',
}
const meanings: Partial<Record<Certificate['state'], string>> = {
  suspended: 'Its account is disabled or has another role now',
  spent: 'A machine has used it to become a runner',
}

interface CertificateTableProps {
  certificates: Certificate[]
  onRevoke: (certificate: Certificate) => void
}

export function CertificateTable({ certificates, onRevoke }: CertificateTableProps) {
  return (
    <Table label="Certificates">
      <TableHead>
        <Th>Name</Th>
        <Th>Role</Th>
        <Th>State</Th>
        <Th>Ends</Th>
        <Th>Last used</Th>
        <Th>Issued by</Th>
        <Th>Id</Th>
        <ActsTh />
      </TableHead>
      <tbody>
        {certificates.map((one) => (
          <Tr key={one.id}>
            <Td className={`${nameCell} font-medium`} title={one.name}>
              {one.role === 'enrol' && one.name === '*' ? 'any name' : one.name}
            </Td>
            <Td muted>{one.role}</Td>
            <Td>
              <Badge tone={tones[one.state]} title={one.revoke_reason ?? meanings[one.state]}>
                {one.state.replaceAll('_', ' ')}
              </Badge>
            </Td>
            <Td muted>
              <RelativeTime at={one.ends_at} />
            </Td>
            <Td muted>{one.last_used_at === null ? 'never' : <RelativeTime at={one.last_used_at} />}</Td>
            <Td muted>{one.issued_by}</Td>
            <Td muted>{one.id}</Td>
            <ActsTd>
              {inUse.some((state) => state === one.state) && (
                <IconButton small label={`Revoke certificate ${one.id} of ${one.name}`} onClick={() => onRevoke(one)}>
                  <Ban aria-hidden className="size-3.5" />
                </IconButton>
              )}
            </ActsTd>
          </Tr>
        ))}
      </tbody>
    </Table>
  )
}
