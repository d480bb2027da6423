import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Undo2 } from 'lucide-react'
import { useState } from 'react'
import { Badge } from '../../../components/badge.tsx'
import { Button, IconButton } from '../../../components/button.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type EventDetail, type EventVersion } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { DiffLines } from '../../pipelines/page/diff-view.tsx'
import { diffQuery, versionsQuery } from '../queries.ts'

/** Its versions, and what one changed against another. */
export default function VersionsTab({ event }: { event: EventDetail }) {
  const { from, to } = useSearch({ from: '/_app/events/$event/' })
  const navigate = useNavigate({ from: '/events/$event/' })
  const list = useQuery(versionsQuery(event.id, event.version))
  const [restoring, setRestoring] = useState<EventVersion | null>(null)
  const compare = (a: number, b: number) =>
    void navigate({ search: { tab: 'versions', from: Math.min(a, b), to: Math.max(a, b) }, resetScroll: false })
  if (list.isPending) return <Loading rows={4} label="Loading versions" />
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />
  const versions = list.data
  const shownTo = to ?? versions[0]?.number
  const shownFrom =
    from ?? (shownTo === undefined ? undefined : versions.find(({ number }) => number < shownTo)?.number)
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[22rem_minmax(0,1fr)]">
      <ul aria-label="Versions, newest first" className="overflow-hidden rounded-lg border border-line bg-surface">
        {versions.map((version, index) => {
          const before = versions[index + 1]?.number
          const { number } = version
          return (
            <li
              key={number}
              className={cn(
                'flex items-center gap-1 border-t border-line px-3 py-2 first:border-t-0',
                number === shownTo && 'bg-accent-soft',
              )}
            >
              <div className="min-w-0 flex-1">
                <p className="flex items-center gap-2 font-medium">
                  Version {number} {version.in_force && <Badge tone="accent">In force</Badge>}
                </p>
                {version.note && <p className="text-sm wrap-anywhere">{visibleText(version.note)}</p>}
                <p className="truncate text-sm text-muted">
                  {version.created_by} · <RelativeTime at={version.created_at} />
                </p>
              </div>
              {before !== undefined && (
                <Button
                  size="small"
                  kind="quiet"
                  aria-label={`Changes of version ${number}`}
                  onClick={() => compare(before, number)}
                >
                  Changes
                </Button>
              )}
              {!version.in_force && (
                <Button
                  size="small"
                  kind="quiet"
                  aria-label={`To now from version ${number}`}
                  onClick={() => compare(number, event.version)}
                >
                  To now
                </Button>
              )}
              {event.may_change && !version.in_force && (
                <IconButton small label={`Restore version ${number}`} onClick={() => setRestoring(version)}>
                  <Undo2 aria-hidden className="size-3.5" />
                </IconButton>
              )}
            </li>
          )
        })}
      </ul>
      {shownFrom !== undefined && shownTo !== undefined ? (
        <Diff event={event.id} from={shownFrom} to={shownTo} />
      ) : (
        <p className="py-6 text-center text-muted">There is one version only: nothing has changed yet.</p>
      )}
      {restoring && <Restore event={event} version={restoring} onClose={() => setRestoring(null)} />}
    </div>
  )
}

function Diff({ event, from, to }: { event: string; from: number; to: number }) {
  const diff = useQuery(diffQuery(event, from, to))
  if (diff.isPending) return <Loading rows={5} label="Loading the difference" />
  if (diff.isError) return <Failed error={diff.error} retry={() => void diff.refetch()} />
  return <DiffLines {...diff.data} />
}

function Restore({ event, version, onClose }: { event: EventDetail; version: EventVersion; onClose: () => void }) {
  const client = useQueryClient()
  const restore = useMutation({
    mutationFn: () => api.events.restore({ event: event.id, version: version.number }),
    onSuccess: (now) => {
      toast('success', `Version ${version.number} is back as version ${now.version}`)
      void client.invalidateQueries({ queryKey: ['events'] })
    },
  })
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Restore version ${version.number}?`}
      action="Restore"
      refuse="Cancel"
      onConfirm={() => restore.mutateAsync()}
    >
      It is stored as the newest version. Runs that wait or go on keep the version that they were started with.
    </Confirm>
  )
}
