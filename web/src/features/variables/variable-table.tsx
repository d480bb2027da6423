import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Globe, Lock, Pencil, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Badge } from '../../components/badge.tsx'
import { IconButton } from '../../components/button.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ActsTd, ActsTh, nameCell, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Variable } from '../../lib/api.ts'
import { byteSize } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'

interface VariableTableProps {
  variables: readonly Variable[]
  isAdmin: boolean
  onEdit: (variable: Variable) => void
}

export function VariableTable({ variables, isAdmin, onEdit }: VariableTableProps) {
  const [deleting, setDeleting] = useState<Variable | null>(null)
  return (
    <>
      <Table label="Variables">
        <TableHead>
          <Th>Name</Th>
          <Th>Value</Th>
          <Th number>Size</Th>
          <Th>Used by</Th>
          <Th>Last read</Th>
          <Th>Changed</Th>
          <ActsTh />
        </TableHead>
        <tbody>
          {variables.map((variable) => (
            <Row
              key={`${variable.scope} ${variable.name}`}
              variable={variable}
              mayChange={isAdmin || variable.scope === 'user'}
              onEdit={() => onEdit(variable)}
              onDelete={() => setDeleting(variable)}
            />
          ))}
        </tbody>
      </Table>
      {deleting && <Remove variable={deleting} onClose={() => setDeleting(null)} />}
    </>
  )
}

interface RowProps {
  variable: Variable
  mayChange: boolean
  onEdit: () => void
  onDelete: () => void
}

function Row({ variable, mayChange, onEdit, onDelete }: RowProps) {
  const { name, scope, secret, description, used_by: users } = variable
  return (
    <Tr>
      <th scope="row" className="px-2 py-1.5 text-left font-medium sm:px-3">
        <span className="flex items-center gap-2">
          <span className={`font-mono ${nameCell}`} title={name}>
            {name}
          </span>
          {scope === 'global' && (
            <Badge title="All accounts read it; administrators change it">
              <Globe aria-hidden className="size-3" /> Global
            </Badge>
          )}
        </span>
        {description && (
          <span
            className="block max-w-32 truncate text-xs font-normal text-muted sm:max-w-80"
            title={visibleText(description)}
          >
            {visibleText(description)}
          </span>
        )}
      </th>
      <Td className="w-full max-w-0 min-w-40 truncate">
        {secret ? (
          <span className="inline-flex items-center gap-1.5 text-muted" title="It is never shown again">
            <Lock aria-hidden className="size-3.5" /> Secret
          </span>
        ) : variable.value === '' ? (
          <span className="text-muted">empty</span>
        ) : (
          <code className="font-mono text-xs" title={visibleText(variable.value ?? '')}>
            {visibleText(variable.value ?? '')}
          </code>
        )}
      </Td>
      <Td number muted>
        {byteSize(variable.bytes)}
      </Td>
      <Td muted>
        <Users names={users} />
      </Td>
      <Td muted>{variable.last_read_at ? <RelativeTime at={variable.last_read_at} /> : 'never'}</Td>
      <Td muted title={`Version ${variable.version}`}>
        <RelativeTime at={variable.updated_at} /> <span className="text-xs">by {variable.updated_by}</span>
      </Td>
      <ActsTd>
        {mayChange && (
          <>
            <IconButton small label={`Change ${name}`} onClick={onEdit}>
              <Pencil aria-hidden className="size-3.5" />
            </IconButton>
            <IconButton small label={`Delete ${name}`} onClick={onDelete}>
              <Trash2 aria-hidden className="size-3.5" />
            </IconButton>
          </>
        )}
      </ActsTd>
    </Tr>
  )
}

function Users({ names }: { names: readonly string[] }) {
  const [first, ...more] = names
  if (first === undefined) return '–'
  return (
    <span className="flex items-center gap-1.5">
      <Link
        to="/events"
        search={{ q: first }}
        className="max-w-40 truncate rounded text-text hover:underline"
        dir="auto"
      >
        {visibleText(first)}
      </Link>
      {more.length > 0 && <span title={more.map(visibleText).join('\n')}>and {more.length} more</span>}
    </span>
  )
}

function Remove({
  variable: { name, scope, secret, used_by: users },
  onClose,
}: {
  variable: Variable
  onClose: () => void
}) {
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api.variables.delete({ scope, name }),
    onSuccess: () => toast('success', `${name} is deleted`),
    onSettled: () => void client.invalidateQueries({ queryKey: ['variables'] }),
  })
  const what = `${scope === 'global' ? 'global ' : ''}${secret ? 'secret' : 'variable'}`
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete the ${what} ${name}?`}
      action="Delete"
      refuse="Keep it"
      danger
      onConfirm={() => remove.mutateAsync()}
    >
      {users.length === 0
        ? 'Its value is gone for good.'
        : `Its value is gone for good. ${users.length === 1 ? `The event ${users[0]} uses` : `${users.length} events use`} it${secret ? ' and cannot run without it' : ''}.`}
    </Confirm>
  )
}
