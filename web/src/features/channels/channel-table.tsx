import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Pencil, Send, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Badge } from '../../components/badge.tsx'
import { Button, IconButton } from '../../components/button.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ActsTd, ActsTh, nameCell, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Channel } from '../../lib/api.ts'
import { quietText } from './channel-form.ts'
import { DeliveryChip } from './delivery-chip.tsx'
import { KindIcon } from './kind-icon.tsx'

interface ChannelTableProps {
  channels: Channel[]
  /** Missing: the reader may not change them. */
  onEdit?: (channel: Channel) => void
  onTest: (name: string) => void
}

export function ChannelTable({ channels, onEdit, onTest }: ChannelTableProps) {
  const [deleting, setDeleting] = useState<string | null>(null)
  return (
    <>
      <Table label="Channels">
        <TableHead>
          <Th>Name</Th>
          <Th>Kind</Th>
          <Th>To</Th>
          <Th>Quiet hours</Th>
          <Th>Last message</Th>
          {onEdit && <ActsTh />}
        </TableHead>
        <tbody>
          {channels.map((channel) => (
            <Tr key={channel.name}>
              <th scope="row" className="px-2 py-1.5 text-left font-medium sm:px-3">
                <span className="flex items-center gap-2">
                  <span className={nameCell} title={channel.name}>
                    {channel.name}
                  </span>
                  {!channel.enabled && <Badge tone="warn">Disabled</Badge>}
                </span>
                {channel.description && (
                  <span
                    className="block max-w-32 truncate text-xs font-normal text-muted sm:max-w-80"
                    title={channel.description}
                  >
                    {channel.description}
                  </span>
                )}
              </th>
              <Td>
                <KindIcon kind={channel.kind} />
              </Td>
              <Td muted className="max-w-72 truncate" title={channel.destination}>
                {channel.destination}
              </Td>
              <Td muted>
                {channel.quiet.length === 0
                  ? 'None'
                  : channel.quiet.map((quiet, i) => (
                      <span key={i} className="block">
                        {quietText(quiet)}
                      </span>
                    ))}
              </Td>
              <Td>
                <LastMessage channel={channel} />
              </Td>
              {onEdit && (
                <ActsTd>
                  <Button size="small" onClick={() => onTest(channel.name)} aria-label={`Test ${channel.name}`}>
                    <Send aria-hidden className="size-3.5" /> <span className="max-sm:hidden">Test</span>
                  </Button>
                  <IconButton small label={`Change ${channel.name}`} onClick={() => onEdit(channel)}>
                    <Pencil aria-hidden className="size-3.5" />
                  </IconButton>
                  <IconButton small label={`Delete ${channel.name}`} onClick={() => setDeleting(channel.name)}>
                    <Trash2 aria-hidden className="size-3.5" />
                  </IconButton>
                </ActsTd>
              )}
            </Tr>
          ))}
        </tbody>
      </Table>
      {deleting !== null && <DeleteChannel name={deleting} onClose={() => setDeleting(null)} />}
    </>
  )
}

function LastMessage({ channel: { name, last_delivery: last } }: { channel: Channel }) {
  if (last === null) return <span className="text-muted">Nothing yet</span>
  return (
    <Link
      to="/channels"
      search={{ view: 'deliveries', channel: name }}
      title={`Deliveries to ${name}`}
      className="inline-flex items-center gap-2 hover:underline"
    >
      <span className="sr-only">Deliveries to {name}: </span>
      <DeliveryChip state={last.state} />
      <RelativeTime at={last.at} className="text-muted" />
    </Link>
  )
}

function DeleteChannel({ name, onClose }: { name: string; onClose: () => void }) {
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api.channels.delete({ name }),
    onSuccess: () => toast('success', `Channel ${name} is deleted`),
    onSettled: () => void client.invalidateQueries({ queryKey: ['channels'] }),
  })
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete channel ${name}?`}
      action="Delete channel"
      refuse="Keep it"
      danger
      onConfirm={() => remove.mutateAsync()}
    >
      Its address and credentials are gone for good. Batches that name it go on; what they would tell there is recorded
      as not sent.
    </Confirm>
  )
}
