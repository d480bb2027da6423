import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { Ellipsis, Pencil, Play, SquareTerminal } from 'lucide-react'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Badge } from '../../components/badge.tsx'
import { Button, buttonLook } from '../../components/button.tsx'
import { Menu, MenuItem, MenuLine } from '../../components/menu.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Host } from '../../lib/api.ts'
import { isMissing, problemOf } from '../../lib/problem.ts'
import { useKeys } from '../../lib/use-keys.ts'
import { useTitle } from '../../lib/use-title.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { useMe } from '../session/session.ts'
import { HostDialogs, type HostAct } from './host-dialogs.tsx'
import { HostFacts } from './host-facts.tsx'
import { HostJobs } from './host-jobs.tsx'
import { StateBadge } from './host-badges.tsx'
import { addressText } from './host-table.tsx'
import { hostQuery } from './queries.ts'

export function HostPage() {
  const { name } = useParams({ from: '/_app/hosts/$name/' })
  const host = useQuery(hostQuery(name))
  useTitle(`Host ${name}`)
  if (host.isPending) return <Loading label="Loading the host" />
  if (host.isError && isMissing(host.error)) return <NoSuchHost name={name} />
  if (!host.data) return <Failed error={host.error} retry={() => void host.refetch()} />
  return (
    <>
      {host.isError && <Failed error={host.error} retry={() => void host.refetch()} />}
      <Loaded host={host.data} />
    </>
  )
}

function Loaded({ host }: { host: Host }) {
  const isAdmin = useMe()?.role === 'admin'
  const [asking, setAsking] = useState<HostAct | null>(null)
  const navigate = useNavigate()
  useKeys({
    e: () => isAdmin && setAsking({ act: 'edit', host }),
    r: () => isAdmin && host.state === 'ready' && setAsking({ act: 'test', host }),
  })
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
        <div className="min-w-0 flex-1 basis-80">
          <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-muted">
            <Link to="/hosts" className="rounded hover:text-text">
              Hosts
            </Link>
            <span aria-hidden>/</span>
            <span className="min-w-0 truncate">{host.name}</span>
          </nav>
          <div className="flex min-w-0 items-center gap-2.5">
            <h1 className="truncate text-2xl font-semibold">{host.name}</h1>
            <StateBadge state={host.state} />
          </div>
          {host.description && <p className="mt-0.5 max-w-3xl text-muted">{visibleText(host.description)}</p>}
          <div className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-sm text-muted">
            {host.connection && <code className="font-mono text-xs">{addressText(host)}</code>}
            {Object.entries(host.labels).map(([key, value]) => (
              <Link
                key={key}
                to="/hosts"
                search={{ label: `${key}=${value}` }}
                className="rounded-full hover:underline"
              >
                <Badge>
                  {key}={value}
                </Badge>
              </Link>
            ))}
          </div>
        </div>
        <Acts host={host} isAdmin={isAdmin} onAct={setAsking} />
      </div>
      <KeyNote host={host} isAdmin={isAdmin} onAct={setAsking} />
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <HostJobs host={host.name} />
        <HostFacts host={host} />
      </div>
      <HostDialogs asking={asking} onAct={setAsking} onDeleted={() => void navigate({ to: '/hosts' })} />
    </div>
  )
}

interface ActsProps {
  host: Host
  isAdmin: boolean
  onAct: (act: HostAct) => void
}

function Acts({ host, isAdmin, onAct }: ActsProps) {
  const client = useQueryClient()
  const enable = useMutation({
    mutationFn: () => api.hosts.change({ name: host.name, enabled: true }),
    onSuccess: () => toast('success', `Host ${host.name} is enabled`),
    onError: (error) => toast('error', problemOf(error).message),
    onSettled: () => void client.invalidateQueries({ queryKey: ['hosts'] }),
  })
  if (!isAdmin) return null
  return (
    <div className="flex flex-wrap gap-2">
      {host.terminal && (
        <Link to="/hosts/$name/terminal" params={{ name: host.name }} className={buttonLook()}>
          <SquareTerminal aria-hidden className="size-4" /> Terminal
        </Link>
      )}
      <Button onClick={() => onAct({ act: 'edit', host })}>
        <Pencil aria-hidden className="size-4" /> Edit
      </Button>
      {host.enabled ? (
        <Button kind="primary" disabled={host.state !== 'ready'} onClick={() => onAct({ act: 'test', host })}>
          <Play aria-hidden className="size-4" /> Test
        </Button>
      ) : (
        <Button kind="primary" busy={enable.isPending} onClick={() => enable.mutate()}>
          Enable
        </Button>
      )}
      <Menu
        label="More acts"
        triggerLabel="More acts"
        triggerClassName={buttonLook('plain', 'icon')}
        trigger={<Ellipsis aria-hidden className="size-4" />}
      >
        <MenuItem onSelect={() => onAct({ act: 'keys', host })}>Look at its keys…</MenuItem>
        {host.enabled && <MenuItem onSelect={() => onAct({ act: 'disable', host })}>Disable…</MenuItem>}
        <MenuLine />
        <MenuItem danger onSelect={() => onAct({ act: 'delete', host })}>
          Delete…
        </MenuItem>
      </Menu>
    </div>
  )
}

/** Why no job gets there, when that is a matter of its key. */
function KeyNote({ host, isAdmin, onAct }: ActsProps) {
  const { state, key_alarm: alarm } = host
  const action = isAdmin && <Button onClick={() => onAct({ act: 'keys', host })}>Look at its keys</Button>
  if (state === 'unconfirmed') {
    return (
      <Alert kind="note" action={action}>
        Its key is not confirmed yet, so no job gets there.{!isAdmin && ' An administrator does that.'}
      </Alert>
    )
  }
  if (state !== 'key_changed' && alarm === null) return null
  return (
    <Alert title="It showed another key than the one that was confirmed" action={action}>
      {alarm && (
        <>
          Seen <RelativeTime at={alarm.at} />
          {alarm.runner && ` by the runner ${alarm.runner}`}
          {alarm.job_id && (
            <>
              {', for the job '}
              <Link to="/jobs/$id" params={{ id: alarm.job_id }} className="font-mono text-xs underline">
                {alarm.job_id}
              </Link>
            </>
          )}
          {alarm.key && (
            <>
              : {alarm.key.type} <code className="font-mono text-xs break-all">{alarm.key.fingerprint}</code>
            </>
          )}
          .{' '}
        </>
      )}
      No job gets there until an administrator has compared and confirmed it.
    </Alert>
  )
}

function NoSuchHost({ name }: { name: string }) {
  return (
    <Empty page title="No such host">
      <p className="text-muted">
        There is no host <code className="font-mono break-all">{visibleText(name)}</code>, or it is not yours to see.
      </p>
      <Link to="/hosts" className={buttonLook()}>
        All hosts
      </Link>
    </Empty>
  )
}
