import { Link } from '@tanstack/react-router'
import { Ellipsis } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Badge } from '../../components/badge.tsx'
import { Button, buttonLook } from '../../components/button.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { CopyButton } from '../../components/copy-line.tsx'
import { Menu, MenuItem, MenuLine } from '../../components/menu.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import type { Webhook } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { addressOf } from '../events/webhooks/address.ts'
import { useWebhookActs } from './use-webhook-acts.ts'

const DeliveriesDialog = lazyPart(() => import('../events/webhooks/deliveries-dialog.tsx'))
const RateDialog = lazyPart(() => import('./rate-dialog.tsx'))

type Act = 'deliveries' | 'rate' | 'rotate' | 'delete'

interface WebhookTableProps {
  webhooks: readonly Webhook[]
  /** A new secret, which is shown once. */
  onSecret: (made: Webhook & { secret: string }) => void
}

const columns = 'lg:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)_7rem_8rem_auto]'

export function WebhookTable({ webhooks, onSecret }: WebhookTableProps) {
  const [asking, setAsking] = useState<{ act: Act; webhook: Webhook } | null>(null)
  const acts = useWebhookActs()
  const close = () => setAsking(null)
  const webhook = asking?.webhook
  return (
    <>
      <ul aria-label="Webhooks" className="rounded-lg border border-line bg-surface">
        {webhooks.map((one) => (
          <Row
            key={one.id}
            webhook={one}
            onAsk={(act) => setAsking({ act, webhook: one })}
            onEnable={() => acts.change.mutate({ webhook: one, enabled: !one.enabled })}
          />
        ))}
      </ul>
      <Suspense>
        {webhook && asking.act === 'deliveries' && (
          <DeliveriesDialog event={webhook.event.id} webhook={webhook} onClose={close} />
        )}
        {webhook && asking.act === 'rate' && <RateDialog webhook={webhook} onClose={close} />}
      </Suspense>
      {webhook && asking.act === 'rotate' && (
        <Confirm
          open
          onOpenChange={(open) => !open && close()}
          title={`A new secret for ${webhook.name}?`}
          action="Make a new one"
          refuse="Cancel"
          onConfirm={async () => onSecret(await acts.rotate.mutateAsync(webhook))}
        >
          It is shown once. The old one holds for 24 hours more, so that the sender can be changed in peace.
        </Confirm>
      )}
      {webhook && asking.act === 'delete' && (
        <Confirm
          open
          onOpenChange={(open) => !open && close()}
          title={`Delete the webhook ${webhook.name}?`}
          action="Delete"
          refuse="Keep it"
          danger
          onConfirm={() => acts.remove.mutateAsync(webhook)}
        >
          Its address answers nobody any more. Runs that it began stay.
        </Confirm>
      )}
    </>
  )
}

function Row({ webhook, onAsk, onEnable }: { webhook: Webhook; onAsk: (act: Act) => void; onEnable: () => void }) {
  const { name, event, scheme, enabled, per_minute: rate, last_used_at: used } = webhook
  const url = webhook.url && addressOf(webhook.url)
  return (
    <li
      className={`grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 border-t border-line px-3 py-2 first:border-t-0 hover:bg-sunken/60 ${columns}`}
    >
      <div className="min-w-0">
        <p className="flex min-w-0 items-center gap-2">
          <span className="min-w-0 truncate font-medium">{name}</span>
          {scheme === 'github' && <Badge>GitHub</Badge>}
          {!enabled && <Badge tone="warn">Off</Badge>}
        </p>
        <p className="truncate text-sm text-muted">
          starts{' '}
          <Link
            to="/events/$event"
            params={{ event: event.id }}
            className="rounded text-text hover:underline"
            dir="auto"
          >
            {visibleText(event.name)}
          </Link>
        </p>
      </div>
      <div className="flex min-w-0 items-center gap-1 max-lg:col-span-2 max-lg:row-start-2">
        {url === null ? (
          <span className="text-sm text-muted">Its address is shown to those who may change the event</span>
        ) : (
          <>
            <code className="min-w-0 truncate font-mono text-xs text-muted" title={url}>
              {url}
            </code>
            <CopyButton text={url} label={`Copy the address of ${name}`} />
          </>
        )}
      </div>
      <span className="text-sm text-muted tabular-nums max-lg:col-start-1">{rate} a minute</span>
      <span className="text-sm text-muted tabular-nums max-lg:hidden">
        {used ? <RelativeTime at={used} /> : 'not used yet'}
      </span>
      <span className="flex items-center justify-end gap-1 max-lg:col-start-2 max-lg:row-start-1">
        <Button size="small" kind="quiet" aria-label={`Deliveries of ${name}`} onClick={() => onAsk('deliveries')}>
          Deliveries
        </Button>
        <Menu
          label={`Acts on ${name}`}
          triggerLabel={`Acts on ${name}`}
          triggerClassName={buttonLook('quiet', 'small-icon')}
          trigger={<Ellipsis aria-hidden className="size-4" />}
        >
          <MenuItem onSelect={onEnable}>{enabled ? 'Switch off' : 'Switch on'}</MenuItem>
          <MenuItem onSelect={() => onAsk('rate')}>How many a minute…</MenuItem>
          <MenuItem onSelect={() => onAsk('rotate')}>New secret…</MenuItem>
          <MenuLine />
          <MenuItem danger onSelect={() => onAsk('delete')}>
            Delete…
          </MenuItem>
        </Menu>
      </span>
    </li>
  )
}
