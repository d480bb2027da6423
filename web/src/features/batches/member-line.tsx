import { Link } from '@tanstack/react-router'
import { ScrollText } from 'lucide-react'
import { memo } from 'react'
import { Button } from '../../components/button.tsx'
import type { Job } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { JobDuration } from '../jobs/job-duration.tsx'
import { ExecutorIcon } from '../jobs/place/executor-icon.tsx'
import { StateChip } from '../jobs/state-chip.tsx'
import { isEnded } from '../jobs/states.ts'
import { failureText } from './progress.ts'

export const memberGrid =
  'grid grid-cols-[minmax(0,1fr)_auto_auto] sm:grid-cols-[8.5rem_minmax(0,1fr)_minmax(0,1fr)_5.5rem_6.5rem] items-center gap-x-3'

interface MemberLineProps {
  job: Job
  onLog: (id: string) => void
}

export const MemberLine = memo(function MemberLine({ job, onLog }: MemberLineProps) {
  return (
    <li className="border-t border-line px-3 py-1 first:border-t-0 hover:bg-sunken">
      <div className={memberGrid}>
        <MemberCells job={job} onLog={onLog} />
      </div>
    </li>
  )
})

/** What a line about a member says, wherever it stands; in a table as its cells. */
export function MemberCells({ job, onLog, cell }: MemberLineProps & { cell?: boolean }) {
  const role = cell ? 'cell' : undefined
  return (
    <>
      <span role={role} className="hidden sm:block">
        <StateChip state={job.state} stopping={job.cancel_requested && !isEnded(job.state)} />
      </span>
      <span role={role} className="flex min-w-0 items-center gap-1.5">
        {job.executor !== 'sandbox' && <ExecutorIcon executor={job.executor} />}
        <Link
          to="/jobs/$id"
          params={{ id: job.id }}
          preload={false}
          data-member={job.id}
          className="min-w-0 truncate rounded font-medium hover:text-accent focus-visible:-outline-offset-1"
          dir="auto"
        >
          {visibleText(job.name)}
        </Link>
      </span>
      <span
        role={role}
        className="order-last col-span-3 truncate text-sm text-muted empty:hidden sm:order-none sm:col-span-1 sm:empty:block"
      >
        {noteOf(job)}
      </span>
      <span role={role} className="text-right text-sm text-muted tabular-nums">
        <span className="mr-2 sm:hidden">{job.status}</span>
        <JobDuration job={job} />
      </span>
      <span role={role} className="min-w-7">
        {hasLog(job) && (
          <Button
            kind="quiet"
            size="small"
            aria-label={`View logs of ${visibleText(job.name)}`}
            onClick={() => onLog(job.id)}
          >
            <ScrollText aria-hidden className="size-3.5" /> <span className="hidden sm:inline">View logs</span>
          </Button>
        )}
      </span>
    </>
  )
}

/** A log begins when a runner has taken the job. */
const hasLog = ({ last_attempt }: Job) => last_attempt > 0

/** Why it failed or waits, and how its tests went. */
function noteOf(job: Job): string {
  if (job.status === 'waiting') return job.waiting_reason ? sentence(job.waiting_reason.text) : ''
  const parts = job.status === 'failed' ? [sentence(visibleText(failureText(job)))] : []
  if (job.tests) parts.push(testsText(job.tests))
  return parts.join(' · ')
}

function testsText({ total, failed, skipped }: NonNullable<Job['tests']>): string {
  const all = total === 1 ? '1 test' : `${total} tests`
  const rest = [failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`].filter(Boolean).join(', ')
  return rest === '' ? `${all} passed` : `${all}, ${rest}`
}
