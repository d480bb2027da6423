import { Link } from '@tanstack/react-router'
import { CopyButton } from '../../../components/copy-line.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import type { PipelineRun } from '../../../lib/api.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { RunChip } from '../run-chip.tsx'
import { triggerLabel } from '../words.ts'
import { RunActions } from './run-actions.tsx'

export function RunHead({ run }: { run: PipelineRun }) {
  const name = visibleText(run.pipeline)
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
      <div className="min-w-0 flex-1 basis-80">
        <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-muted">
          <Link to="/pipelines" className="rounded hover:text-text">
            Pipelines
          </Link>
          <span aria-hidden>/</span>
          <Link
            to="/pipelines/$name"
            params={{ name: run.pipeline }}
            className="min-w-0 truncate rounded hover:text-text"
          >
            {name}
          </Link>
          <span aria-hidden>/</span>
          <span className="font-mono text-xs">{run.id}</span>
          <CopyButton text={run.id} label="Copy the id" />
        </nav>
        <div className="flex min-w-0 items-center gap-3">
          <h1 className="truncate text-2xl font-semibold" dir="auto" title={name}>
            {name}
          </h1>
          <RunChip run={run} large />
        </div>
        <p className="mt-0.5 flex flex-wrap gap-x-3 text-sm text-muted">
          {run.label && <span className="text-text">{visibleText(run.label)}</span>}
          <span>
            {triggerLabel(run.trigger)}, {run.owner}, <RelativeTime at={run.created_at} />
          </span>
          {run.rerun_of && (
            <span>
              Repeats <RunLink id={run.rerun_of} />
            </span>
          )}
          {run.parent && (
            <span>
              Task {visibleText(run.parent.task)} of <RunLink id={run.parent.run} />
            </span>
          )}
        </p>
      </div>
      <RunActions run={run} />
    </div>
  )
}

export function RunLink({ id }: { id: string }) {
  return (
    <Link to="/runs/$id" params={{ id }} className="rounded font-mono text-xs text-accent underline underline-offset-2">
      {id}
    </Link>
  )
}
