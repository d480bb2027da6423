import { Link } from '@tanstack/react-router'
import { CalendarClock, Play } from 'lucide-react'
import { Badge } from '../../../components/badge.tsx'
import { Button } from '../../../components/button.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import type { Pipeline } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { useSeesOnlyOwn } from '../../session/session.ts'
import { ProblemsBadge } from '../problem-list.tsx'
import { RunSquares } from '../run-squares.tsx'

/** Names the columns of the rows below; a phone has none. */
export function PipelineColumns() {
  return (
    <div
      aria-hidden
      className="hidden gap-x-4 border-b border-line px-3 py-1.5 text-sm text-muted md:grid md:grid-cols-[minmax(0,1fr)_9.5rem_9rem_7rem_5rem]"
    >
      <span>Pipeline</span>
      <span>Last runs</span>
      <span>Now</span>
      <span>Next run</span>
    </div>
  )
}

interface PipelineRowProps {
  pipeline: Pipeline
  /** Missing: one may not start any. */
  onStart?: (pipeline: Pipeline) => void
}

export function PipelineRow({ pipeline, onStart }: PipelineRowProps) {
  const name = visibleText(pipeline.name)
  return (
    <li
      data-pipeline={pipeline.name}
      className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1.5 border-t border-line px-3 py-2 first:border-t-0 hover:bg-sunken/60 md:grid-cols-[minmax(0,1fr)_9.5rem_9rem_7rem_5rem]"
    >
      <div className="min-w-0">
        <div className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-0.5">
          <Link
            to="/pipelines/$name"
            params={{ name: pipeline.name }}
            data-row-link
            dir="auto"
            className="min-w-0 truncate rounded text-base font-semibold hover:text-accent"
          >
            {name}
          </Link>
          {pipeline.source === 'stored' && <Badge title="Put through the API, not from a file">Stored</Badge>}
          <ProblemsBadge problems={pipeline.problems} />
        </div>
        <p className="truncate text-sm text-muted" title={pipeline.description ?? pipeline.path ?? undefined}>
          {visibleText(
            pipeline.description ?? pipeline.path ?? `${pipeline.tasks} ${pipeline.tasks === 1 ? 'task' : 'tasks'}`,
          )}
        </p>
      </div>
      <div className="order-last flex md:order-none">
        <RunSquares runs={pipeline.last_runs} label={`Last runs of ${name}`} />
      </div>
      <Counts pipeline={pipeline} />
      <span className="order-last hidden items-center gap-1.5 text-sm text-muted tabular-nums md:order-none md:flex">
        {pipeline.next_run_at && (
          <>
            <CalendarClock aria-hidden className="size-3.5" />
            <span className="sr-only">Next run </span>
            <RelativeTime at={pipeline.next_run_at} />
          </>
        )}
      </span>
      <span className="flex justify-end">
        {onStart && (
          <Button
            size="small"
            aria-label={`Start ${name}`}
            title={pipeline.not_startable ?? undefined}
            disabled={!pipeline.startable}
            onClick={() => onStart(pipeline)}
          >
            <Play aria-hidden className="size-3.5" /> Start
          </Button>
        )}
      </span>
    </li>
  )
}

/** Of everybody's runs, seen or not: they take the places. */
function Counts({ pipeline: { name, running, waiting } }: { pipeline: Pipeline }) {
  const onlyOwn = useSeesOnlyOwn()
  const of = (status: 'running' | 'waiting', n: number, colour: string) => (
    <Link
      to="/pipelines/$name"
      params={{ name }}
      search={status === 'waiting' ? { tab: 'waiting' } : { status }}
      title={onlyOwn ? "Of everybody's runs" : undefined}
      className={cn('rounded hover:underline', colour)}
    >
      <span className="font-semibold">{n}</span> {status}
    </Link>
  )
  return (
    <span className="order-last flex justify-end gap-x-3 text-sm tabular-nums md:order-none md:justify-start">
      {running > 0 && of('running', running, 'text-running')}
      {waiting > 0 && of('waiting', waiting, 'text-text')}
      {running + waiting === 0 && <span className="text-muted">idle</span>}
    </span>
  )
}
