import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Pencil, Plus, Trash2 } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Button, IconButton } from '../../components/button.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ActsTd, ActsTh, nameCell, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type MessageTemplate } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { templatesQuery } from '../events/queries.ts'
import { useMe } from '../session/session.ts'
import { isMine } from './template-form.ts'

const TemplateDialog = lazyPart(() => import('./template-dialog.tsx'))

/** Texts of messages under a name: everybody's to use, their owner's to change. */
export default function TemplateList() {
  const list = useQuery({ ...templatesQuery, refetchInterval: 15_000 })
  const [editing, setEditing] = useState<MessageTemplate | 'new' | null>(null)
  const [deleting, setDeleting] = useState<MessageTemplate | null>(null)
  const me = useMe()
  const mayWrite = me?.role === 'admin' || me?.role === 'operator'
  const templates = list.data ?? []
  return (
    <div className="flex flex-col gap-3">
      {mayWrite && templates.length > 0 && (
        <div className="flex flex-wrap items-center justify-between gap-2">
          <p className="text-sm text-muted">
            Texts that several messages share. An action names one, and may change parts.
          </p>
          <Button onClick={() => setEditing('new')}>
            <Plus aria-hidden className="size-4" /> New template
          </Button>
        </div>
      )}
      {list.isPending && <Loading rows={3} label="Loading templates" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && templates.length === 0 && (
        <Empty title="No message templates yet">
          <p className="text-muted">
            A template is the text of a message with places that are filled in from the run it tells of, such as:
          </p>
          <CopyLine
            what="text"
            className="w-full"
            text="{{ event.name }} {{ outcome.state }} after {{ outcome.duration_seconds }} s"
          />
          {mayWrite && (
            <Button kind="primary" onClick={() => setEditing('new')}>
              <Plus aria-hidden className="size-4" /> New template
            </Button>
          )}
        </Empty>
      )}
      {templates.length > 0 && (
        <Table label="Message templates">
          <TableHead>
            <Th>Name</Th>
            <Th>Says</Th>
            <Th>Used by</Th>
            <Th>Owner</Th>
            <Th>Changed</Th>
            <ActsTh />
          </TableHead>
          <tbody>
            {templates.map((template) => (
              <Tr key={template.name}>
                <th scope="row" className="px-2 py-1.5 text-left font-medium sm:px-3">
                  <button
                    type="button"
                    aria-haspopup="dialog"
                    className={`rounded text-left hover:underline ${nameCell}`}
                    onClick={() => setEditing(template)}
                  >
                    {template.name}
                  </button>
                  {template.description && (
                    <span className="block max-w-64 truncate text-xs font-normal text-muted">
                      {visibleText(template.description)}
                    </span>
                  )}
                </th>
                <Td muted className="w-full max-w-0 min-w-48 truncate" title={summary(template)}>
                  {summary(template)}
                </Td>
                <Td muted>
                  <Users names={template.used_by} />
                </Td>
                <Td muted>{template.owner}</Td>
                <Td muted>
                  <RelativeTime at={template.updated_at} />
                </Td>
                <ActsTd>
                  {isMine(template, me) && (
                    <>
                      <IconButton small label={`Change ${template.name}`} onClick={() => setEditing(template)}>
                        <Pencil aria-hidden className="size-3.5" />
                      </IconButton>
                      <IconButton small label={`Delete ${template.name}`} onClick={() => setDeleting(template)}>
                        <Trash2 aria-hidden className="size-3.5" />
                      </IconButton>
                    </>
                  )}
                </ActsTd>
              </Tr>
            ))}
          </tbody>
        </Table>
      )}
      <Suspense>
        {editing && (
          <TemplateDialog
            template={editing === 'new' ? null : editing}
            mayChange={editing === 'new' || isMine(editing, me)}
            onClose={() => setEditing(null)}
          />
        )}
      </Suspense>
      {deleting && <Remove template={deleting} onClose={() => setDeleting(null)} />}
    </div>
  )
}

const summary = ({ input }: MessageTemplate): string =>
  visibleText(
    Object.values(input)
      .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
      .join(' · '),
  )

function Users({ names }: { names: readonly string[] }) {
  const [first, ...more] = names
  if (first === undefined) return '–'
  return (
    <>
      <Link to="/events" search={{ q: first }} className="rounded text-text hover:underline" dir="auto">
        {visibleText(first)}
      </Link>
      {more.length > 0 && <span title={more.map(visibleText).join('\n')}> and {more.length} more</span>}
    </>
  )
}

function Remove({ template: { name, used_by: users }, onClose }: { template: MessageTemplate; onClose: () => void }) {
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api.messageTemplates.delete({ name }),
    onSuccess: () => toast('success', `Template ${name} is deleted`),
    onSettled: () => void client.invalidateQueries({ queryKey: ['message-templates'] }),
  })
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete the template ${name}?`}
      action="Delete"
      refuse="Keep it"
      danger
      onConfirm={() => remove.mutateAsync()}
    >
      {users.length === 0
        ? 'No event names it.'
        : `${users.length === 1 ? `The event ${users[0]} names` : `${users.length} events name`} it: their messages are refused from then on.`}
    </Confirm>
  )
}
