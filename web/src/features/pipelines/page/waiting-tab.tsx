import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Button } from '../../../components/button.tsx'
import { Empty, Failed, Loading } from '../../../components/page-state.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import { TimedText } from '../../../components/timed-text.tsx'
import type { Pipeline, PipelineRun } from '../../../lib/api.ts'
import { useKeys } from '../../../lib/use-keys.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { moveFocus } from '../list/move-focus.ts'
import { waitingRunsQuery } from '../queries.ts'
import { CancelRun, useMayChange } from '../run/cancel-run.tsx'
import { variablesText } from '../run-row.tsx'

/** Runs that are not admitted yet, in the order of their turn, each with its reason. */
export function WaitingTab({ pipeline }: { pipeline: Pipeline }) {
  const waiting = useQuery(waitingRunsQuery(pipeline.name))
  const [cancelling, setCancelling] = useState<PipelineRun | null>(null)
  useKeys({ j: () => moveFocus('[data-row-link]', 1), k: () => moveFocus('[data-row-link]', -1) })
  if (waiting.isPending) return <Loading rows={3} label="Loading the waiting list" />
  if (waiting.isError) return <Failed error={waiting.error} retry={() => void waiting.refetch()} />
  if (waiting.data.length === 0) {
    return (
      <Empty title="None waits">
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
      {cancelling && <CancelRun run={cancelling} onClose={() => setCancelling(null)} />}
    </>
  )
}

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
          {run.queue_partition && (
            <span className="text-sm text-muted">partition {visibleText(run.queue_partition)}</span>
          )}
        </p>
        {run.waiting_reason && (
          <p className="text-sm">
            <TimedText text={visibleText(run.waiting_reason)} />
          </p>
        )}
        <p className="truncate text-sm text-muted">{variablesText(run.variables)}</p>
      </div>
      {mayChange && (
        <Button size="small" kind="danger" aria-label={`Cancel run ${run.id}`} onClick={() => onCancel(run)}>
          Cancel
        </Button>
      )}
    </li>
  )
}
