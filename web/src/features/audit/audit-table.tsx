import { Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import { Badge } from '../../components/badge.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import type { AuditRow } from '../../lib/api.ts'
import type { AuditFilters } from './filters.ts'

interface AuditTableProps {
  entries: AuditRow[]
  onChoose: (entry: AuditRow) => void
  /** A click on a name, an action or a target asks for all of it. */
  onNarrow: (some: AuditFilters) => void
}

export function AuditTable({ entries, onChoose, onNarrow }: AuditTableProps) {
  return (
    <Table label="Audit log">
      <TableHead>
        <Th>When</Th>
        <Th>Who</Th>
        <Th>What</Th>
        <Th>To what</Th>
        <Th>Result</Th>
        <Th>From</Th>
        <Th>Detail</Th>
      </TableHead>
      <tbody>
        {entries.map((entry) => (
          <Tr key={entry.id}>
            <Td muted>
              <RelativeTime at={entry.at} />
            </Td>
            <Td>
              <Narrow text={entry.actor} what="who" onClick={() => onNarrow({ actor: entry.actor })} />
              {!['user', entry.actor].includes(entry.actor_kind) && (
                <span className="ml-1.5 text-xs text-muted">{entry.actor_kind}</span>
              )}
            </Td>
            <Td>
              <Narrow text={entry.action} what="what" onClick={() => onNarrow({ action: entry.action })} />
            </Td>
            <Td>
              {entry.target !== null && (
                <Narrow text={entry.target} what="to what" onClick={() => onNarrow({ target: entry.target! })} />
              )}
            </Td>
            <Td>
              {entry.result === 'refused' ? (
                <Badge tone="bad">refused</Badge>
              ) : (
                <span className="text-muted">done</span>
              )}
            </Td>
            <Td muted>{entry.address}</Td>
            <Td className="w-full max-w-0 min-w-48">
              <button
                type="button"
                title="Show the whole entry"
                onClick={() => onChoose(entry)}
                className="block w-full truncate text-left font-mono text-xs text-muted hover:text-text hover:underline"
              >
                {summary(entry)}
              </button>
            </Td>
          </Tr>
        ))}
      </tbody>
    </Table>
  )
}

function Narrow({ text, what, onClick }: { text: string; what: string; onClick: () => void }) {
  return (
    <button
      type="button"
      title={`Only ${what}: ${text}`}
      onClick={onClick}
      className="inline-block max-w-32 truncate sm:max-w-64 align-bottom hover:underline"
    >
      {text}
    </button>
  )
}

/** A refusal's reason, else the facts; text of anybody's, shown as text. */
function summary({ detail, id }: AuditRow): string {
  if (typeof detail !== 'object' || detail === null || Object.keys(detail).length === 0) return `entry ${id}`
  const { reason } = detail as { reason?: unknown }
  return typeof reason === 'string' ? reason : JSON.stringify(detail)
}
