import { Link } from '@tanstack/react-router'
import { memo, useEffect, useRef, type ReactNode } from 'react'
import { Checkbox } from '../../components/checkbox.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { TimedText } from '../../components/timed-text.tsx'
import type { Job } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { sentence } from '../../lib/sentence.ts'
import { commandText } from '../../lib/shell-words.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { JobDuration } from './job-duration.tsx'
import { ExecutorIcon } from './place/executor-icon.tsx'
import { placeText } from './place/executors.ts'
import { StateChip } from './state-chip.tsx'
import { isEnded, isMessage, isWaiting } from './states.ts'

export const rowGrid =
  'grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 items-center sm:grid-cols-[8.5rem_minmax(0,1fr)_5.5rem_5.5rem] xl:grid-cols-[8.5rem_minmax(0,1fr)_9rem_9rem_5.5rem_5.5rem] 2xl:grid-cols-[8.5rem_minmax(0,1fr)_9rem_9rem_9rem_5.5rem_5.5rem]'

/** Fixed, so that a list of thousands knows where each row stands: one line, on a phone two. */
export const rowHeights = { wide: 37, narrow: 61 }

interface JobRowProps {
  job: Job
  /** Null where nothing can be chosen. */
  chosen: boolean | null
  /** The keyboard is here. */
  current: boolean
  onChoose: (id: string, range: boolean) => void
}

/** One job in one line, on a phone in two. Renders again only when this job changed. */
export const JobRow = memo(function JobRow({ job, chosen, current, onChoose }: JobRowProps) {
  const second = secondLine(job)
  const place = placeText(job)
  const link = useRef<HTMLAnchorElement>(null)
  useEffect(() => {
    const focused = document.activeElement
    const free = focused === document.body || focused?.closest('[data-job-list]') != null
    if (current && free) link.current?.focus({ preventScroll: true })
  }, [current])
  return (
    <div className={cn('flex h-full border-t border-line', chosen ? 'bg-accent-soft' : 'hover:bg-sunken')}>
      {chosen !== null && (
        <label className="flex items-center pl-3 sm:pl-4">
          <Checkbox
            label={`Choose ${visibleText(job.name)}`}
            checked={chosen}
            tabIndex={-1}
            onClick={(event) => onChoose(job.id, event.shiftKey)}
            onChange={() => undefined}
          />
        </label>
      )}
      <Link
        ref={link}
        to="/jobs/$id"
        params={{ id: job.id }}
        data-job-row={job.id}
        className={cn(
          rowGrid,
          'min-w-0 flex-1 px-3 focus-visible:bg-accent-soft focus-visible:-outline-offset-2 sm:pr-4',
        )}
      >
        <span className="order-2 justify-self-end sm:order-none sm:justify-self-start">
          <StateChip state={job.state} stopping={job.cancel_requested && !isEnded(job.state)} />
        </span>
        <span className="order-1 flex min-w-0 items-baseline gap-3 sm:order-none">
          <ExecutorIcon executor={job.executor} className="-mr-1 self-center" />
          <span className="max-w-full shrink-0 truncate font-medium sm:max-w-[55%]" dir="auto">
            {visibleText(job.name)}
          </span>
          {place !== null && (
            <span
              title={job.hosts?.join(', ') ?? job.container?.image}
              className="max-w-40 shrink-0 self-center truncate rounded-full border border-line px-1.5 text-xs text-muted max-sm:hidden"
            >
              {visibleText(place)}
            </span>
          )}
          <span className={cn('min-w-0 truncate text-sm text-muted max-sm:hidden', second.mono && 'font-mono text-xs')}>
            {second.text}
          </span>
        </span>
        <span className="hidden truncate text-sm text-muted xl:block">{job.queue}</span>
        <span className="hidden truncate text-sm text-muted xl:block">{job.owner}</span>
        <span className="hidden truncate text-sm text-muted 2xl:block">{job.runner}</span>
        <span className="order-3 truncate text-sm text-muted tabular-nums sm:order-none sm:text-right">
          <span className={job.started_at === null || isWaiting(job.state) ? 'max-sm:hidden' : undefined}>
            <JobDuration job={job} />
            <span className="sm:hidden"> · </span>
          </span>
          <span className="sm:hidden">{second.text}</span>
        </span>
        <span className="order-4 text-right text-sm text-muted tabular-nums">
          <RelativeTime at={job.created_at} />
        </span>
      </Link>
    </div>
  )
})

/** The most useful thing to say beside the name: why it waits, why it failed, else what it runs. */
function secondLine(job: Job): { text: ReactNode; mono?: boolean } {
  if (isWaiting(job.state) && job.waiting_reason) return { text: <TimedText text={job.waiting_reason.text} /> }
  const tests = job.tests && job.tests.failed > 0 ? `${job.tests.failed} of ${job.tests.total} tests failed` : null
  if (tests) return { text: tests }
  if (job.result?.message) return { text: sentence(visibleText(job.result.message)) }
  if (job.state === 'failed' && job.result?.exit_code != null) return { text: `Exit code ${job.result.exit_code}` }
  if (isMessage(job)) return { text: `To channel ${job.message?.channel ?? ''}` }
  const command = commandText(job.command).replace(/\s+/g, ' ')
  return { text: command === job.name ? job.id : visibleText(command), mono: true }
}
