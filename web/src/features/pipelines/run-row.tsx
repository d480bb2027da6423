import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { RelativeTime } from '../../components/relative-time.tsx'
import { SegmentedBar } from '../../components/segmented-bar.tsx'
import type { PipelineRun } from '../../lib/api.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { lastErrorText } from './run/last-error.ts'
import { RunChip } from './run-chip.tsx'
import { Elapsed } from './times.tsx'
import { barParts, triggerLabel } from './words.ts'

const mostShown = 120

/** `branch=main, n=3`, cut where it gets long. */
export function variablesText(variables: PipelineRun['variables']): string {
  const text = Object.entries(variables)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
  return visibleText(text.length > mostShown ? `${text.slice(0, mostShown)}…` : text)
}

/** One run in a list. */
export function RunRow({ run, children }: { run: PipelineRun; children?: ReactNode }) {
  const note = run.status === 'failed' && run.last_error ? lastErrorText(run.last_error) : variablesText(run.variables)
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_7rem] items-center gap-x-4 gap-y-1 border-t border-line px-3 py-1.5 first:border-t-0 hover:bg-sunken/60 md:grid-cols-[7rem_8.5rem_minmax(0,1fr)_7rem_6rem_auto]">
      <span className="order-2 justify-self-end md:order-none md:justify-self-start">
        <RunChip run={run} />
      </span>
      <span className="order-1 flex min-w-0 items-baseline gap-2 md:order-none">
        <Link
          to="/runs/$id"
          params={{ id: run.id }}
          preload={false}
          data-row-link
          className="min-w-0 truncate rounded font-mono text-sm font-medium hover:text-accent"
        >
          {run.id}
        </Link>
      </span>
      <span className="order-4 col-span-2 flex min-w-0 gap-x-2 text-sm md:order-none md:col-span-1">
        <span className="shrink-0 text-muted">
          {triggerLabel(run.trigger)}
          {run.trigger !== 'schedule' && run.trigger !== 'pipeline' && ` · ${run.owner}`}
        </span>
        <span className="min-w-0 truncate text-muted" title={note}>
          {run.queue_partition && run.status === 'waiting' && (
            <span className="mr-2 text-text">partition {visibleText(run.queue_partition)}</span>
          )}
          {run.label && <span className="mr-2 text-text">{visibleText(run.label)}</span>}
          {note}
        </span>
      </span>
      <span className="order-3 self-center md:order-none">
        <SegmentedBar parts={barParts(run.tasks)} label="Tasks" className="h-1.5 rounded-full" />
      </span>
      <span className="order-3 text-right text-sm text-muted tabular-nums md:order-none">
        <Elapsed of={run} none="" />
      </span>
      <span className="order-5 hidden min-w-16 text-right text-sm text-muted tabular-nums md:order-none md:block">
        {children ?? <RelativeTime at={run.created_at} />}
      </span>
    </li>
  )
}
