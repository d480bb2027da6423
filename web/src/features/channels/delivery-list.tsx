import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { RotateCw } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../components/button.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { Select } from '../../components/field.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ActsTd, ActsTh, nameCell, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Channel, type Delivery } from '../../lib/api.ts'
import { exactTime } from '../../lib/time.ts'
import { DeliveryChip } from './delivery-chip.tsx'
import { isOver, outcomes, type ChannelSearch, type OutcomeWord } from './filters.ts'
import { deliveriesQuery } from './queries.ts'

interface DeliveryListProps {
  channels: Channel[]
  search: ChannelSearch
  onSearch: (change: Partial<ChannelSearch>) => void
  mayResend: boolean
}

/** What was sent where, newest first, and what the receiver said. */
export function DeliveryList({ channels, search, onSearch, mayResend }: DeliveryListProps) {
  const list = useInfiniteQuery(deliveriesQuery(search))
  const [resending, setResending] = useState<Delivery | null>(null)
  const deliveries = list.data?.pages.flatMap((page) => page.deliveries) ?? []
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap gap-2">
        <Select
          small
          wide={false}
          aria-label="Channel"
          value={search.channel ?? ''}
          onChange={(event) => onSearch({ channel: event.target.value || undefined })}
        >
          <option value="">All channels</option>
          {namesWith(channels, search.channel).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
        <Select
          small
          wide={false}
          aria-label="What became of them"
          value={search.outcome ?? ''}
          onChange={(event) => onSearch({ outcome: (event.target.value || undefined) as OutcomeWord | undefined })}
        >
          <option value="">All messages</option>
          {Object.entries(outcomes).map(([word, { label }]) => (
            <option key={word} value={word}>
              {label}
            </option>
          ))}
        </Select>
      </div>
      {list.isPending && <Loading rows={5} label="Loading deliveries" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.data && deliveries.length === 0 && <NoDeliveries filtered={Boolean(search.channel ?? search.outcome)} />}
      {deliveries.length > 0 && (
        <Table label="Deliveries">
          <TableHead>
            <Th>When</Th>
            <Th>State</Th>
            <Th>Channel</Th>
            <Th>Message</Th>
            <Th number>Tries</Th>
            <Th>Answer</Th>
            {mayResend && <ActsTh />}
          </TableHead>
          <tbody>
            {deliveries.map((delivery) => (
              <Row key={delivery.id} delivery={delivery} onResend={mayResend ? setResending : undefined} />
            ))}
          </tbody>
        </Table>
      )}
      {list.hasNextPage && <LoadMore loading={list.isFetchingNextPage} onMore={() => void list.fetchNextPage()} />}
      {resending && <Resend delivery={resending} onClose={() => setResending(null)} />}
    </div>
  )
}

/** One that is gone may still be asked for. */
const namesWith = (channels: Channel[], name: string | undefined): string[] => {
  const names = channels.map((channel) => channel.name)
  return name === undefined || names.includes(name) ? names : [...names, name]
}

function Row({ delivery, onResend }: { delivery: Delivery; onResend?: (delivery: Delivery) => void }) {
  const { channel, subject, state, about, job_id, attempts, result, created_at, held_until } = delivery
  const [, batch] = /^batch:(\w+)$/.exec(about) ?? []
  const held = held_until !== null && state === 'scheduled' && attempts === 0
  return (
    <Tr>
      <Td muted>
        <RelativeTime at={created_at} />
      </Td>
      <Td>
        <DeliveryChip state={state} />
      </Td>
      <Td className={nameCell} title={channel}>
        {channel}
      </Td>
      <Td className="max-w-56 truncate sm:max-w-96" title={subject}>
        {batch ? (
          <Link to="/batches/$id" params={{ id: batch }} className="font-medium hover:underline">
            {subject}
          </Link>
        ) : (
          subject
        )}
      </Td>
      <Td number muted>
        {attempts}
      </Td>
      <Td muted className="max-w-96 truncate" title={result ?? undefined}>
        {held ? `Held until ${exactTime(held_until)}` : (result ?? '')}
      </Td>
      {onResend && (
        <ActsTd>
          {job_id && (
            <Link to="/jobs/$id" params={{ id: job_id }} className="px-1.5 text-accent hover:underline">
              Log
            </Link>
          )}
          {isOver(state) && (
            <Button
              size="small"
              onClick={() => onResend(delivery)}
              aria-label={`Send again: ${subject}`}
              title="Send again"
            >
              <RotateCw aria-hidden className="size-3.5" /> <span className="max-sm:hidden">Send again</span>
            </Button>
          )}
        </ActsTd>
      )}
    </Tr>
  )
}

function NoDeliveries({ filtered }: { filtered: boolean }) {
  return (
    <Empty title={filtered ? 'No message fits' : 'Nothing was sent yet'}>
      <p className="text-muted">
        {filtered
          ? 'Choose other channels or outcomes above.'
          : 'A batch that names a channel in “notify” tells it how it ended. A test message is a first one.'}
      </p>
    </Empty>
  )
}

function Resend({ delivery: { id, channel, state }, onClose }: { delivery: Delivery; onClose: () => void }) {
  const client = useQueryClient()
  const resend = useMutation({
    mutationFn: () => api.messageDeliveries.redeliver({ id }),
    onSuccess: () => toast('success', `The message is on its way to ${channel}`),
    onSettled: () => void client.invalidateQueries({ queryKey: ['channels'] }),
  })
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Send this message to ${channel} again?`}
      action="Send again"
      refuse="Leave it"
      onConfirm={() => resend.mutateAsync()}
    >
      {state === 'succeeded' ? 'It was taken already; people will read it twice. ' : ''}
      It goes to where the channel points now, with the same id ({id}), so that a receiver can tell it from a new one.
    </Confirm>
  )
}
