import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Button, buttonLook } from '../../components/button.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import type { Webhook } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { useMe } from '../session/session.ts'
import { allWebhooksQuery } from './queries.ts'
import { WebhookTable } from './webhook-table.tsx'

const NewDialog = lazyPart(() => import('./new-dialog.tsx'))
const SecretDialog = lazyPart(() => import('../events/webhooks/secret-dialog.tsx'))

type Made = Pick<Webhook, 'url' | 'scheme'> & { secret: string }

/** Addresses at which other programs start events: those of all events that one may change. */
export function WebhooksPage() {
  const list = useQuery(allWebhooksQuery)
  const [text, setText] = useState('')
  const [adding, setAdding] = useState(false)
  const [made, setMade] = useState<Made | null>(null)
  const mayWrite = useMe()?.role !== 'viewer'
  const webhooks = list.data ?? []
  const wanted = text.trim().toLowerCase()
  const shown = webhooks.filter(({ name, event }) => `${event.name} ${name}`.toLowerCase().includes(wanted))
  return (
    <div className="flex flex-col gap-3">
      <PageHead
        title="Webhooks"
        description="Signed requests from outside that start events. The body becomes the input."
      >
        {mayWrite && (
          <Button kind="primary" onClick={() => setAdding(true)}>
            <Plus aria-hidden className="size-4" /> New webhook
          </Button>
        )}
      </PageHead>
      {webhooks.length > 5 && (
        <div role="search" className="flex">
          <SearchBox label="Search by event or name" value={text} onSearch={setText} />
        </div>
      )}
      {list.isPending && <Loading rows={4} label="Loading webhooks" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && webhooks.length === 0 && <FirstWebhook mayWrite={mayWrite} />}
      {webhooks.length > 0 && shown.length === 0 && (
        <Empty title="No webhook matches">
          <Button onClick={() => setText('')}>Show all</Button>
        </Empty>
      )}
      {shown.length > 0 && <WebhookTable webhooks={shown} onSecret={setMade} />}
      <Suspense>
        {adding && <NewDialog onMade={setMade} onClose={() => setAdding(false)} />}
        {made && <SecretDialog {...made} onClose={() => setMade(null)} />}
      </Suspense>
    </div>
  )
}

function FirstWebhook({ mayWrite }: { mayWrite: boolean }) {
  return (
    <Empty title="No webhooks yet">
      <p className="text-muted">
        A webhook is an address with a secret part. Whoever posts to it signs the request; then its event runs, with the
        body as its input. GitHub can do that, and everything that speaks Standard Webhooks.
      </p>
      {mayWrite ? (
        <p className="text-muted">
          It belongs to an event:{' '}
          <Link to="/events/new" className="text-accent underline underline-offset-2">
            make one
          </Link>{' '}
          first, then a webhook for it here.
        </p>
      ) : (
        <Link to="/events" className={buttonLook()}>
          Events
        </Link>
      )}
    </Empty>
  )
}
