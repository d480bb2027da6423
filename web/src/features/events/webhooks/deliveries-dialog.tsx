import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Dialog } from '../../../components/dialog.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import type { Webhook } from '../../../lib/api.ts'
import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { webhookDeliveriesQuery } from '../queries.ts'

/** What came in at a webhook, newest first. */
export default function DeliveriesDialog({
  event,
  webhook,
  onClose,
}: {
  event: string
  webhook: Webhook
  onClose: () => void
}) {
  const list = useQuery(webhookDeliveriesQuery(event, webhook.name))
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Deliveries of ${webhook.name}`}
      className="sm:w-[40rem]"
    >
      {list.isPending && <Loading rows={4} label="Loading deliveries" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.data?.length === 0 && <p className="py-6 text-center text-muted">Nothing has come in yet.</p>}
      <ul>
        {list.data?.map(({ delivery_id, received_at, run_id, reason }) => (
          <li
            key={delivery_id + received_at}
            className="flex items-baseline gap-3 border-t border-line py-1.5 text-sm first:border-t-0"
          >
            <span className="w-20 shrink-0 text-muted tabular-nums">
              <RelativeTime at={received_at} />
            </span>
            <span className="min-w-0 flex-1 truncate font-mono text-xs" title={delivery_id}>
              {visibleText(delivery_id)}
            </span>
            {run_id ? (
              <Link
                to="/event-runs/$id"
                params={{ id: run_id }}
                className="shrink-0 rounded text-accent hover:underline"
                onClick={onClose}
              >
                Run {run_id}
              </Link>
            ) : (
              <span className="shrink-0 text-failed">{sentence(visibleText(reason ?? 'began nothing'))}</span>
            )}
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
