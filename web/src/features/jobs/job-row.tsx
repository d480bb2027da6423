import { Link } from '@tanstack/react-router'
import { memo, type ReactNode } from 'react'
import { RelativeTime } from '../../components/relative-time.tsx'
import { TimedText } from '../../components/timed-text.tsx'
import type { Job } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { commandText } from '../../lib/shell-words.ts'
import { JobDuration } from './job-duration.tsx'
import { StateChip } from './state-chip.tsx'
import { isEnded, isWaiting } from './states.ts'

export const rowGrid =
  'grid grid-cols-[1fr_auto] sm:grid-cols-[8.5rem_1fr_6.5rem_6.5rem] lg:grid-cols-[8.5rem_1fr_8rem_8rem_6.5rem_6.5rem] gap-x-4 items-center'

/** One job in one line, on a phone in two. Renders again only when this job changed. */
export const JobRow = memo(function JobRow({ job }: { job: Job }) {
  const second = secondLine(job)
  return (
    <li className="border-t border-line first:border-t-0">
      <Link
        to="/jobs/$id"
        params={{ id: job.id }}
        data-job-row
        className={`${rowGrid} px-3 py-1.5 hover:bg-sunken focus-visible:bg-accent-soft focus-visible:-outline-offset-2 sm:px-4`}
      >
        <span className="order-2 justify-self-end sm:order-none sm:justify-self-start">
          <StateChip state={job.state} stopping={job.cancel_requested && !isEnded(job.state)} />
        </span>
        <span className="order-1 min-w-0 sm:order-none">
          <span className="block truncate font-medium" dir="auto">
            {job.name}
          </span>
          <span className={`block truncate text-sm ${second.mono ? 'font-mono text-xs leading-5' : ''} text-muted`}>
            {second.text}
          </span>
        </span>
        <span className="hidden truncate text-sm text-muted lg:block">{job.queue}</span>
        <span className="hidden truncate text-sm text-muted lg:block">{job.owner}</span>
        <span className="order-3 text-sm text-muted tabular-nums sm:order-none sm:text-right">
          <JobDuration job={job} />
        </span>
        <span className="order-4 text-right text-sm text-muted tabular-nums">
          <RelativeTime at={job.created_at} />
        </span>
      </Link>
    </li>
  )
})

/** The most useful thing to say beneath the name: why it waits, why it failed, else what it runs. */
function secondLine(job: Job): { text: ReactNode; mono?: boolean } {
  if (isWaiting(job.state) && job.waiting_reason) return { text: <TimedText text={job.waiting_reason.text} /> }
  if (job.result?.message) return { text: sentence(job.result.message) }
  if (job.state === 'failed' && job.result?.exit_code != null) return { text: `Exit code ${job.result.exit_code}` }
  const command = commandText(job.command)
  return { text: command === job.name ? job.id : command, mono: true }
}
