import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Undo2 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Badge } from '../../../components/badge.tsx'
import { Button, IconButton } from '../../../components/button.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type PipelineDetail, type PipelineVersion } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { useMe } from '../../session/session.ts'
import { versionsQuery } from '../queries.ts'
import { DiffView } from './diff-view.tsx'

/** Its versions, and what one changed against another. */
export default function VersionsTab({ pipeline }: { pipeline: PipelineDetail }) {
  const { from, to } = useSearch({ from: '/_app/pipelines/$name' })
  const navigate = useNavigate({ from: '/pipelines/$name' })
  const list = useInfiniteQuery(versionsQuery(pipeline.name, pipeline.version))
  const versions = useMemo(() => list.data?.pages.flatMap((page) => page.versions) ?? [], [list.data])
  const [restoring, setRestoring] = useState<PipelineVersion | null>(null)
  const me = useMe()
  const mayRestore =
    pipeline.source === 'stored' && !pipeline.gone && (me?.role === 'admin' || me?.username === pipeline.owner)
  const shownTo = to ?? versions[0]?.number
  const shownFrom =
    from ?? (shownTo === undefined ? undefined : versions.find(({ number }) => number < shownTo)?.number)
  const compare = (a: number, b: number) =>
    void navigate({ search: { tab: 'versions', from: Math.min(a, b), to: Math.max(a, b) }, resetScroll: false })
  if (list.isPending) return <Loading rows={4} label="Loading versions" />
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[20rem_minmax(0,1fr)]">
      <div className="flex flex-col gap-2">
        <ul aria-label="Versions, newest first" className="overflow-hidden rounded-lg border border-line bg-surface">
          {versions.map((version, index) => (
            <VersionRow
              key={version.number}
              version={version}
              shown={version.number === shownTo}
              before={versions[index + 1]?.number}
              current={pipeline.version}
              onCompare={compare}
              onRestore={mayRestore && !version.current ? setRestoring : undefined}
            />
          ))}
        </ul>
        {list.hasNextPage && (
          <Button
            size="small"
            className="self-center"
            busy={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Older versions
          </Button>
        )}
      </div>
      {shownFrom !== undefined && shownTo !== undefined ? (
        <DiffView name={pipeline.name} from={shownFrom} to={shownTo} />
      ) : (
        <p className="py-6 text-center text-muted">There is one version only: nothing has changed yet.</p>
      )}
      {restoring && <Restore name={pipeline.name} version={restoring} onClose={() => setRestoring(null)} />}
    </div>
  )
}

interface VersionRowProps {
  version: PipelineVersion
  shown: boolean
  before: number | undefined
  current: number
  onCompare: (a: number, b: number) => void
  onRestore: ((version: PipelineVersion) => void) | undefined
}

function VersionRow({ version, shown, before, current, onCompare, onRestore }: VersionRowProps) {
  const { number } = version
  return (
    <li
      className={cn(
        'flex items-center gap-2 border-t border-line px-3 py-1.5 first:border-t-0',
        shown && 'bg-accent-soft',
      )}
    >
      <div className="min-w-0 flex-1">
        <p className="flex items-center gap-2 font-medium">
          Version {number} {version.current && <Badge tone="accent">In force</Badge>}
        </p>
        <p className="truncate text-sm text-muted">
          {version.created_by ?? 'from its file'} · <RelativeTime at={version.created_at} />
        </p>
      </div>
      {before !== undefined && (
        <Button
          size="small"
          kind="quiet"
          aria-label={`Changes of version ${number}`}
          onClick={() => onCompare(before, number)}
        >
          Changes
        </Button>
      )}
      {!version.current && (
        <Button
          size="small"
          kind="quiet"
          aria-label={`To now from version ${number}`}
          onClick={() => onCompare(number, current)}
        >
          To now
        </Button>
      )}
      {onRestore && (
        <IconButton small label={`Restore version ${number}`} onClick={() => onRestore(version)}>
          <Undo2 aria-hidden className="size-3.5" />
        </IconButton>
      )}
    </li>
  )
}

function Restore({ name, version, onClose }: { name: string; version: PipelineVersion; onClose: () => void }) {
  const client = useQueryClient()
  const restore = useMutation({
    mutationFn: () => api.pipelines.restore({ name, number: version.number }),
    onSuccess: (now) => {
      toast('success', `Version ${version.number} is back as version ${now.version}`)
      void client.invalidateQueries({ queryKey: ['pipelines'] })
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
      Its source is stored as the newest version. Runs that wait or run keep the version that they were started with.
    </Confirm>
  )
}
