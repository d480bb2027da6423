import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Badge } from '../../../components/badge.tsx'
import { Button } from '../../../components/button.tsx'
import { Empty, Failed, Loading } from '../../../components/page-state.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import { TimedText } from '../../../components/timed-text.tsx'
import type { Pipeline, PipelineRun } from '../../../lib/api.ts'
import { useKeys } from '../../../lib/use-keys.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { useSeesOnlyOwn } from '../../session/session.ts'
import { moveFocus } from '../list/move-focus.ts'
import { waitingRunsQuery } from '../queries.ts'
import { CancelRun, useMayChange } from '../run/cancel-run.tsx'
import { variablesText } from '../run-row.tsx'

/** Runs that are not admitted yet, in the order of their turn, each with its reason. */
export function WaitingTab({ pipeline }: { pipeline: Pipeline }) {
  const waiting = useQuery(waitingRunsQuery(pipeline.name))
  const onlyOwn = useSeesOnlyOwn()
  const [cancelling, setCancelling] = useState<PipelineRun | null>(null)
  useKeys({ j: () => moveFocus('[data-row-link]', 1), k: () => moveFocus('[data-row-link]', -1) })
  if (waiting.isPending) return <Loading rows={3} label="Loading the waiting list" />
  if (waiting.isError) return <Failed error={waiting.error} retry={() => void waiting.refetch()} />
  const others = onlyOwn ? Math.max(0, pipeline.waiting - waiting.data.length) : 0
  if (waiting.data.length === 0 && others > 0) {
    return (
      <Empty title="Nothing of yours is waiting">
        <p className="text-muted">
          {ofOthers(others)}
          {pipeline.not_startable
            ? ` A start is refused now: ${pipeline.not_startable}.`
            : pipeline.queue_strategy === 'append' && ' What you start now waits behind.'}
        </p>
      </Empty>
    )
  }
  if (waiting.data.length === 0) {
    return (
      <Empty title="Nothing is waiting">
        <p className="text-muted">
          {pipeline.queue_limit === 0
            ? 'This pipeline has no waiting list: a start is refused while it is busy.'
            : `A start begins at once while fewer than ${pipeline.concurrency} of its runs go on.`}
        </p>
      </Empty>
    )
  }
  return (
    <>
      <ol aria-label="Waiting runs" className="overflow-hidden rounded-lg border border-line bg-surface">
        {waiting.data.map((run) => (
          <WaitingRow key={run.id} run={run} onCancel={setCancelling} />
        ))}
      </ol>
      {others > 0 && <p className="mt-2 px-3 text-sm text-muted">{ofOthers(others)} The numbers count them too.</p>}
      {cancelling && <CancelRun run={cancelling} onClose={() => setCancelling(null)} />}
    </>
  )
}

const ofOthers = (n: number) => `${n} ${n === 1 ? 'run' : 'runs'} of others ${n === 1 ? 'is' : 'are'} waiting.`

function WaitingRow({ run, onCancel }: { run: PipelineRun; onCancel: (run: PipelineRun) => void }) {
  const mayChange = useMayChange(run)
  return (
    <li className="flex items-start gap-3 border-t border-line px-3 py-2 first:border-t-0 hover:bg-sunken/60">
      <span className="mt-0.5 w-6 shrink-0 text-right font-semibold text-muted tabular-nums">{run.position}</span>
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <Link
            to="/runs/$id"
            params={{ id: run.id }}
            data-row-link
            className="rounded font-mono text-sm font-medium hover:text-accent"
          >
            {run.id}
          </Link>
          <span className="text-sm text-muted">
            {run.owner} · <RelativeTime at={run.created_at} />
          </span>
          {run.label && <span className="text-sm">{visibleText(run.label)}</span>}
          {run.queue_partition && (
            <Badge title="Its part of the waiting list">partition {visibleText(run.queue_partition)}</Badge>
          )}
        </p>
        {run.waiting_reason && (
          <p className="text-sm">
            <TimedText text={visibleText(run.waiting_reason)} />
          </p>
        )}
        <p className="line-clamp-2 text-sm break-words text-muted">{variablesText(run.variables) || 'No variables'}</p>
      </div>
      {mayChange && (
        <Button size="small" kind="danger" aria-label={`Cancel run ${run.id}`} onClick={() => onCancel(run)}>
          Cancel
        </Button>
      )}
    </li>
  )
}
