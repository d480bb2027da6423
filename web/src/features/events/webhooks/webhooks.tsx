import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Ellipsis, Plus } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Badge } from '../../../components/badge.tsx'
import { Button, buttonLook } from '../../../components/button.tsx'
import { Card } from '../../../components/card.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { CopyLine } from '../../../components/copy-line.tsx'
import { Menu, MenuItem, MenuLine } from '../../../components/menu.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type EventSummary, type Webhook } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { problemOf } from '../../../lib/problem.ts'
import { webhooksQuery } from '../queries.ts'
import { addressOf } from './address.ts'

const NewWebhookDialog = lazyPart(() => import('./new-webhook-dialog.tsx'))
const DeliveriesDialog = lazyPart(() => import('./deliveries-dialog.tsx'))
const SecretDialog = lazyPart(() => import('./secret-dialog.tsx'))

type Asking = { act: 'rotate' | 'delete' | 'deliveries'; webhook: Webhook } | { act: 'new' } | null

interface WebhooksProps {
  event: Pick<EventSummary, 'id' | 'name' | 'may_change'>
}

/** Addresses at which others start the event. They belong to the event, not to a version of it. */
export function Webhooks({ event }: WebhooksProps) {
  const list = useQuery(webhooksQuery(event.id))
  const [asking, setAsking] = useState<Asking>(null)
  const [shown, setShown] = useState<{ url: string | null; scheme: Webhook['scheme']; secret: string } | null>(null)
  const close = () => setAsking(null)
  const acts = useActs(event.id)
  return (
    <Card
      title="Webhooks"
      action={
        event.may_change && (
          <Button size="small" kind="quiet" onClick={() => setAsking({ act: 'new' })}>
            <Plus aria-hidden className="size-3.5" /> New webhook
          </Button>
        )
      }
    >
      {list.isPending && <Loading rows={2} label="Loading webhooks" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.data?.length === 0 && (
        <p className="text-sm text-muted">
          None. A webhook is an address with a secret part; a signed request to it starts the event, and its body
          becomes the input.
        </p>
      )}
      {list.data && list.data.length > 0 && (
        <ul className="flex flex-col gap-4">
          {list.data.map((webhook) => (
            <li key={webhook.id} className="flex min-w-0 flex-col gap-1.5">
              <div className="flex items-center gap-2 text-sm">
                <span className="min-w-0 truncate font-medium">{webhook.name}</span>
                {webhook.scheme === 'github' && <Badge>GitHub</Badge>}
                {!webhook.enabled && <Badge tone="warn">Off</Badge>}
                <span className="flex-1 truncate text-muted">
                  {webhook.per_minute} a minute at most
                  {webhook.last_used_at && (
                    <>
                      {' · used '}
                      <RelativeTime at={webhook.last_used_at} />
                    </>
                  )}
                </span>
                <Button size="small" kind="quiet" onClick={() => setAsking({ act: 'deliveries', webhook })}>
                  Deliveries
                </Button>
                {event.may_change && (
                  <Menu
                    label={`Acts on ${webhook.name}`}
                    triggerLabel={`Acts on ${webhook.name}`}
                    triggerClassName={buttonLook('quiet', 'small-icon')}
                    trigger={<Ellipsis aria-hidden className="size-4" />}
                  >
                    <MenuItem onSelect={() => acts.enable.mutate(webhook)}>
                      {webhook.enabled ? 'Switch off' : 'Switch on'}
                    </MenuItem>
                    <MenuItem onSelect={() => setAsking({ act: 'rotate', webhook })}>New secret…</MenuItem>
                    <MenuLine />
                    <MenuItem danger onSelect={() => setAsking({ act: 'delete', webhook })}>
                      Delete…
                    </MenuItem>
                  </Menu>
                )}
              </div>
              {webhook.url && <CopyLine what="address" text={addressOf(webhook.url)} />}
            </li>
          ))}
        </ul>
      )}
      <Suspense>
        {asking?.act === 'new' && <NewWebhookDialog event={event} onMade={setShown} onClose={close} />}
        {asking?.act === 'deliveries' && <DeliveriesDialog event={event.id} webhook={asking.webhook} onClose={close} />}
        {shown && <SecretDialog {...shown} onClose={() => setShown(null)} />}
      </Suspense>
      {asking?.act === 'rotate' && (
        <Confirm
          open
          onOpenChange={(open) => !open && close()}
          title={`A new secret for ${asking.webhook.name}?`}
          action="Make a new one"
          refuse="Cancel"
          onConfirm={async () => setShown(await acts.rotate.mutateAsync(asking.webhook))}
        >
          It is shown once. The old one holds for 24 hours more, so that the sender can be changed in peace.
        </Confirm>
      )}
      {asking?.act === 'delete' && (
        <Confirm
          open
          onOpenChange={(open) => !open && close()}
          title={`Delete the webhook ${asking.webhook.name}?`}
          action="Delete"
          refuse="Keep it"
          danger
          onConfirm={() => acts.remove.mutateAsync(asking.webhook)}
        >
          Its address answers nobody any more. Runs that it began stay.
        </Confirm>
      )}
    </Card>
  )
}

function useActs(event: string) {
  const client = useQueryClient()
  const onSettled = () => {
    void client.invalidateQueries({ queryKey: ['webhooks'] })
    void client.invalidateQueries({ queryKey: ['events'] })
  }
  const enable = useMutation({
    mutationFn: ({ name, enabled }: Webhook) => api.webhooks.change({ event, name, enabled: !enabled }),
    onSuccess: ({ name, enabled }) => toast('success', `Webhook ${name} is ${enabled ? 'on' : 'off'}`),
    onError: (error) => toast('error', problemOf(error).message),
    onSettled,
  })
  const rotate = useMutation({
    mutationFn: ({ name }: Webhook) => api.webhooks.rotate({ event, name }),
    onSettled,
  })
  const remove = useMutation({
    mutationFn: ({ name }: Webhook) => api.webhooks.delete({ event, name }),
    onSuccess: (_, { name }) => toast('success', `Webhook ${name} is deleted`),
    onSettled,
  })
  return { enable, rotate, remove }
}
