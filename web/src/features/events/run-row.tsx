import { Link } from '@tanstack/react-router'
import { RelativeTime } from '../../components/relative-time.tsx'
import type { EventRun } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { StateChip } from '../jobs/state-chip.tsx'
import { Elapsed } from './elapsed.tsx'
import { Progress } from './progress.tsx'
import { isOpen, triggerLabels } from './words.ts'

/** One run in a list. */
export function RunRow({ run, withEvent }: { run: EventRun; withEvent?: boolean }) {
  const note = run.error ?? run.waiting
  const title = withEvent
    ? visibleText(run.event.name)
    : sentence(visibleText(run.cause.text || triggerLabels[run.trigger]))
  return (
    <li className="relative grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 border-t border-line px-3 py-1.5 first:border-t-0 hover:bg-sunken/60 md:grid-cols-[7.5rem_minmax(0,12rem)_minmax(0,1fr)_5rem_5.5rem]">
      <span className="order-2 justify-self-end md:order-none md:justify-self-start">
        <StateChip state={run.state} />
      </span>
      <Link
        to="/event-runs/$id"
        params={{ id: run.id }}
        preload={false}
        data-row-link
        aria-label={`${title}, run ${run.id}`}
        className="order-1 min-w-0 truncate rounded text-sm font-medium after:absolute after:inset-0 hover:text-accent md:order-none"
      >
        {title}
      </Link>
      <span className="order-4 col-span-2 min-w-0 text-sm text-muted md:order-none md:col-span-1">
        {isOpen(run) && (run.progress !== null || run.status_text) ? (
          <Progress run={run} />
        ) : (
          <span className="block truncate" title={note ?? undefined}>
            {note ? (
              <span className={run.error ? 'text-failed' : undefined}>{sentence(visibleText(note))}</span>
            ) : (
              <>
                <span className="font-mono text-xs">{run.id}</span>
                {run.version !== null && ` · version ${run.version}`}
                {run.attempts > 1 && ` · ${run.attempts} attempts`}
              </>
            )}
          </span>
        )}
      </span>
      <span className="order-5 text-right text-sm text-muted tabular-nums max-md:hidden md:order-none">
        <Elapsed run={run} />
      </span>
      <span className="order-3 text-right text-sm text-muted tabular-nums max-md:hidden md:order-none">
        <RelativeTime at={run.created_at} />
      </span>
    </li>
  )
}
