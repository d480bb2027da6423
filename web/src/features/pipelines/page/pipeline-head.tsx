import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { CalendarClock, FileCode, Play, Trash2 } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Badge } from '../../../components/badge.tsx'
import { Button } from '../../../components/button.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type PipelineDetail } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { useKeys } from '../../../lib/use-keys.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { useMe } from '../../session/session.ts'

const StartDialog = lazyPart(() => import('../start/start-dialog.tsx'))

export function PipelineHead({ pipeline }: { pipeline: PipelineDetail }) {
  const name = visibleText(pipeline.name)
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
      <div className="min-w-0 flex-1 basis-80">
        <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-muted">
          <Link to="/pipelines" className="rounded hover:text-text">
            Pipelines
          </Link>
          <span aria-hidden>/</span>
          <span className="min-w-0 truncate">{name}</span>
        </nav>
        <div className="flex min-w-0 items-center gap-3">
          <h1 className="truncate text-2xl font-semibold" dir="auto" title={name}>
            {name}
          </h1>
          {pipeline.gone && <Badge tone="warn">Gone</Badge>}
          {pipeline.source === 'stored' && <Badge>Stored</Badge>}
        </div>
        {pipeline.description && <p className="mt-0.5 max-w-3xl text-muted">{visibleText(pipeline.description)}</p>}
        <Facts pipeline={pipeline} />
      </div>
      <Acts pipeline={pipeline} />
    </div>
  )
}

/** How its runs are admitted, and when the next one comes. */
function Facts({ pipeline }: { pipeline: PipelineDetail }) {
  const { concurrency, queue_limit, queue_strategy, path, owner, next_run_at, version } = pipeline
  const list =
    queue_limit === null ? 'any number wait' : queue_limit === 0 ? 'nothing waits' : `${queue_limit} may wait`
  const strategy = {
    append: '',
    replace: ', the newest replaces the last',
    partitioned_replace: ', replaced by partition',
  }
  return (
    <p className="mt-1 flex flex-wrap gap-x-4 gap-y-0.5 text-sm text-muted">
      <span>version {version}</span>
      <span>
        {concurrency} {concurrency === 1 ? 'run' : 'runs'} at a time, {list}
        {strategy[queue_strategy]}
      </span>
      {path && (
        <span className="flex min-w-0 items-center gap-1.5">
          <FileCode aria-hidden className="size-3.5 shrink-0" />
          <span className="truncate font-mono text-xs">{visibleText(path)}</span>
        </span>
      )}
      {owner && <span>stored by {owner}</span>}
      {next_run_at && (
        <span className="flex items-center gap-1.5">
          <CalendarClock aria-hidden className="size-3.5" /> next run <RelativeTime at={next_run_at} />
        </span>
      )}
    </p>
  )
}

function Acts({ pipeline }: { pipeline: PipelineDetail }) {
  const [open, setOpen] = useState<'start' | 'delete' | null>(null)
  const me = useMe()
  const remove = useRemove(pipeline.name)
  const mayStart = me?.role !== 'viewer' && !pipeline.gone
  const mayDelete =
    pipeline.source === 'stored' && !pipeline.gone && (me?.role === 'admin' || me?.username === pipeline.owner)
  const start = () => mayStart && pipeline.startable && setOpen('start')
  useKeys({ s: start })
  return (
    <div className="flex flex-col items-end gap-1">
      <div className="flex flex-wrap gap-2">
        {mayDelete && (
          <Button kind="danger" onClick={() => setOpen('delete')}>
            <Trash2 aria-hidden className="size-4" /> Delete
          </Button>
        )}
        {mayStart && (
          <Button kind="primary" disabled={!pipeline.startable} onClick={start}>
            <Play aria-hidden className="size-4" /> Start
          </Button>
        )}
      </div>
      {pipeline.not_startable && <p className="max-w-72 text-right text-sm text-muted">{pipeline.not_startable}</p>}
      <Suspense>{open === 'start' && <StartDialog pipeline={pipeline} onClose={() => setOpen(null)} />}</Suspense>
      <Confirm
        open={open === 'delete'}
        onOpenChange={(now) => setOpen(now ? 'delete' : null)}
        title={`Delete ${visibleText(pipeline.name)}?`}
        action="Delete"
        refuse="Keep it"
        danger
        onConfirm={remove.mutateAsync}
      >
        No new run starts, and those that wait are cancelled. What runs goes on to its end.
      </Confirm>
    </div>
  )
}

function useRemove(name: string) {
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: () => api.pipelines.delete({ name }),
    onSuccess: async () => {
      toast('success', 'Pipeline deleted')
      await navigate({ to: '/pipelines' })
      void client.invalidateQueries({ queryKey: ['pipelines'] })
    },
  })
}
