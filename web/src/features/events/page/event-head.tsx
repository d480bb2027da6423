import { Link, useNavigate } from '@tanstack/react-router'
import { CalendarClock, Ellipsis, Pause, Pencil, Play, Users } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Badge } from '../../../components/badge.tsx'
import { Button, buttonLook } from '../../../components/button.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { Menu, MenuItem, MenuLine } from '../../../components/menu.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type EventDetail } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { problemOf } from '../../../lib/problem.ts'
import { useKeys } from '../../../lib/use-keys.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { useMe } from '../../session/session.ts'
import { KindIcon } from '../kind-icon.tsx'
import { StatusBadge } from '../status-badge.tsx'
import { useEventActs } from '../use-event-acts.ts'

const RunDialog = lazyPart(() => import('../run-dialog.tsx'))

export function EventHead({ event }: { event: EventDetail }) {
  const name = visibleText(event.name)
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
      <div className="min-w-0 flex-1 basis-80">
        <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-muted">
          <Link to="/events" className="rounded hover:text-text">
            Events
          </Link>
          <span aria-hidden>/</span>
          <span className="min-w-0 truncate">{name}</span>
        </nav>
        <div className="flex min-w-0 items-center gap-2.5">
          <KindIcon kind={event.kind} className="[&_svg]:size-5" />
          <h1 className="truncate text-2xl font-semibold" dir="auto" title={name}>
            {name}
          </h1>
          <StatusBadge status={event.status} />
        </div>
        {event.description && <p className="mt-0.5 max-w-3xl text-muted">{visibleText(event.description)}</p>}
        <Facts event={event} />
      </div>
      <Acts event={event} />
    </div>
  )
}

function Facts({ event }: { event: EventDetail }) {
  const me = useMe()
  const { version, executions, max_executions, next_at, status } = event
  return (
    <div className="mt-1 flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-muted">
      {event.tags.map((tag) => (
        <Link key={tag} to="/events" search={{ tag }} className="-mr-2.5 rounded-full hover:underline">
          <Badge>{tag}</Badge>
        </Link>
      ))}
      <span className={event.tags.length > 0 ? 'ml-2.5' : undefined}>version {version}</span>
      <span className="tabular-nums">
        {executions.toLocaleString()}
        {max_executions !== null && ` of ${max_executions.toLocaleString()}`}{' '}
        {executions === 1 && max_executions === null ? 'run' : 'runs'}
      </span>
      {event.owner !== me?.username && <span>owned by {event.owner}</span>}
      {event.shared && (
        <span className="flex items-center gap-1.5" title="Everybody may see it, operators may run it">
          <Users aria-hidden className="size-3.5" /> shared
        </span>
      )}
      {next_at && status === 'active' && (
        <span className="flex items-center gap-1.5">
          <CalendarClock aria-hidden className="size-3.5" /> next run <RelativeTime at={next_at} />
        </span>
      )}
    </div>
  )
}

function Acts({ event }: { event: EventDetail }) {
  const [open, setOpen] = useState<'run' | 'archive' | 'delete' | null>(null)
  const { setStatus, clone, remove } = useEventActs()
  const navigate = useNavigate()
  const me = useMe()
  const mayRun = event.may_run && event.status !== 'archived'
  const edit = () => event.may_change && void navigate({ to: '/events/$event/edit', params: { event: event.id } })
  useKeys({ r: () => mayRun && setOpen('run'), e: edit })
  const to = event.status === 'active' ? 'paused' : 'active'
  return (
    <div className="flex flex-wrap gap-2">
      {event.may_change && (
        <Button busy={setStatus.isPending} onClick={() => setStatus.mutate({ event, status: to })}>
          {to === 'paused' ? <Pause aria-hidden className="size-4" /> : <Play aria-hidden className="size-4" />}
          {to === 'paused' ? 'Pause' : event.status === 'paused' ? 'Resume' : 'Activate'}
        </Button>
      )}
      {event.may_change && (
        <Link to="/events/$event/edit" params={{ event: event.id }} className={buttonLook()}>
          <Pencil aria-hidden className="size-4" /> Edit
        </Link>
      )}
      {mayRun && (
        <Button kind="primary" onClick={() => setOpen('run')}>
          <Play aria-hidden className="size-4" /> Run now
        </Button>
      )}
      <Menu
        label="More acts"
        triggerLabel="More acts"
        triggerClassName={buttonLook('plain', 'icon')}
        trigger={<Ellipsis aria-hidden className="size-4" />}
      >
        {me?.role !== 'viewer' && <MenuItem onSelect={() => clone.mutate(event)}>Clone</MenuItem>}
        <MenuItem onSelect={() => void download(event)}>Export as YAML</MenuItem>
        {event.may_change && (
          <>
            <MenuLine />
            {event.status === 'archived' ? (
              <MenuItem danger onSelect={() => setOpen('delete')}>
                Delete…
              </MenuItem>
            ) : (
              <MenuItem danger onSelect={() => setOpen('archive')}>
                Archive…
              </MenuItem>
            )}
          </>
        )}
      </Menu>
      <Suspense>{open === 'run' && <RunDialog event={event} onClose={() => setOpen(null)} />}</Suspense>
      <Confirm
        open={open === 'archive'}
        onOpenChange={(now) => setOpen(now ? 'archive' : null)}
        title={`Archive ${visibleText(event.name)}?`}
        action="Archive"
        refuse="Keep it"
        danger
        onConfirm={() => setStatus.mutateAsync({ event, status: 'archived' })}
      >
        Nothing starts it any more, and lists leave it out. Its runs stay, and it can be activated again.
      </Confirm>
      <Confirm
        open={open === 'delete'}
        onOpenChange={(now) => setOpen(now ? 'delete' : null)}
        title={`Delete ${visibleText(event.name)}?`}
        action="Delete"
        refuse="Keep it"
        danger
        onConfirm={() => remove.mutateAsync(event)}
      >
        Its versions, its webhooks and all its runs go with it. This cannot be taken back.
      </Confirm>
    </div>
  )
}

async function download(event: EventDetail) {
  try {
    const { yaml } = await api.events.export({ event: event.id })
    const url = URL.createObjectURL(new Blob([yaml], { type: 'application/yaml' }))
    const link = document.createElement('a')
    link.href = url
    link.download = `${event.name.replaceAll(/[^\w.-]+/g, '-')}.yml`
    link.click()
    setTimeout(() => URL.revokeObjectURL(url), 10_000)
  } catch (error) {
    toast('error', problemOf(error).message)
  }
}
