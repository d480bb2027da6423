import type { ReactNode } from 'react'
import type { Attempt, Job } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { sentence } from '../../lib/sentence.ts'
import { byteSize, duration, exactTime, shortTime } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { StateIcon } from './state-chip.tsx'
import { isEnded, isWaiting, states, type JobState } from './states.ts'
import { WaitingText } from './waiting-text.tsx'

/** A job's life from top to bottom: what happened when, and what it waits for now. */
export function JobTimeline({ job, attempts }: { job: Job; attempts: Attempt[] }) {
  return (
    <section aria-labelledby="life" className="rounded-lg border border-line bg-surface p-4">
      <h2 id="life" className="mb-3 text-sm font-semibold">
        Life
      </h2>
      <ol className="flex flex-col">
        <Step title="Submitted" at={job.created_at}>
          by {job.owner} to {job.queue}
          {job.rerun_of && <> · re-run of {job.rerun_of}</>}
        </Step>
        {attempts.map((attempt, index) => (
          <AttemptSteps
            key={attempt.number}
            attempt={attempt}
            before={attempts[index - 1]}
            job={job}
            only={attempts.length === 1}
          />
        ))}
        {isWaiting(job.state) && (
          <Step state={job.state} title={states[job.state].label} now>
            {job.waiting_reason ? <WaitingText job={job} text={job.waiting_reason.text} /> : states[job.state].meaning}
          </Step>
        )}
        {isEnded(job.state) && attempts.length === 0 && (
          <Step state={job.state} title={states[job.state].label} at={job.ended_at}>
            {visibleText(job.cancel_reason ?? job.result?.message ?? 'Before it ran')}
          </Step>
        )}
      </ol>
    </section>
  )
}

const attemptState = (attempt: Attempt): JobState =>
  attempt.state in states ? (attempt.state as JobState) : attempt.state === 'handed_back' ? 'skipped' : 'unknown'

interface AttemptStepsProps {
  attempt: Attempt
  before: Attempt | undefined
  job: Job
  only: boolean
}

function AttemptSteps({ attempt, before, job, only }: AttemptStepsProps) {
  const state = attemptState(attempt)
  const name = only ? '' : `Attempt ${attempt.number}: `
  const { result } = attempt
  const stopping = job.cancel_requested && attempt.ended_at === null
  return (
    <>
      <Step title={`${name}${only ? 'T' : 't'}aken by ${attempt.runner}`} at={attempt.leased_at}>
        {waitText(attempt, before, job)}
      </Step>
      {attempt.started_at && <Step title="Started" at={attempt.started_at} />}
      <Step
        state={state}
        title={attempt.state === 'handed_back' ? 'Handed back unharmed' : stopping ? 'Stopping' : states[state].label}
        at={attempt.ended_at}
        now={attempt.ended_at === null}
      >
        {attempt.ended_at && <Outcome attempt={attempt} withMessage={!only} />}
        {stopping &&
          (job.cancel_reason
            ? `Cancel asked: ${visibleText(job.cancel_reason)}`
            : 'Cancel was asked; its process tree is being ended')}
        {result && result.unenforced.length > 0 && (
          <span className="mt-1 block text-running">Not enforced on this runner: {result.unenforced.join(', ')}</span>
        )}
      </Step>
    </>
  )
}

/** How long it stood before this attempt, and what for. */
function waitText(attempt: Attempt, before: Attempt | undefined, job: Job): string | null {
  const from = before ? before.ended_at : job.created_at
  if (!from) return null
  const waited = duration(Date.parse(attempt.leased_at) - Date.parse(from))
  return before && before.state !== 'handed_back' ? `tried again after ${waited}` : `waited ${waited}`
}

function Outcome({ attempt, withMessage }: { attempt: Attempt; withMessage: boolean }) {
  const { result, log } = attempt
  if (!result) return null
  const facts: ReactNode[] = []
  if (result.exit_code !== null) facts.push(`exit code ${result.exit_code}`)
  if (result.signal) facts.push(result.signal)
  if (attempt.duration_ms !== null) facts.push(`ran ${duration(attempt.duration_ms)}`)
  const usage = result.usage
  if (usage?.cpu_ms !== undefined) facts.push(`CPU ${duration(usage.cpu_ms)}`)
  if (usage?.memory_peak_bytes !== undefined) facts.push(`peak memory ${byteSize(usage.memory_peak_bytes)}`)
  if (usage?.io_read_bytes) facts.push(`read ${byteSize(usage.io_read_bytes)}`)
  if (usage?.io_write_bytes) facts.push(`wrote ${byteSize(usage.io_write_bytes)}`)
  if (log && log.stdout_bytes + log.stderr_bytes > 0) facts.push(`log ${byteSize(log.stdout_bytes + log.stderr_bytes)}`)
  if (result.truncated_bytes > 0) facts.push(`${byteSize(result.truncated_bytes)} of output cut off`)
  return (
    <>
      {withMessage && result.message && result.error_class !== 'exit' && (
        <span className="block">{sentence(visibleText(result.message))}</span>
      )}
      {facts.join(' · ')}
      {result.remaining_processes !== null && (
        <span className="block">
          {result.remaining_processes === 0
            ? 'All of its processes are gone'
            : `${result.remaining_processes} processes are still there`}
        </span>
      )}
    </>
  )
}

interface StepProps {
  title: string
  at?: string | null
  state?: JobState
  /** Still going on. */
  now?: boolean
  children?: ReactNode
}

function Step({ title, at, state, now, children }: StepProps) {
  return (
    <li className="group relative flex gap-3 pb-3 last:pb-0">
      <span aria-hidden className="absolute top-5 bottom-0 left-[7px] w-px bg-line group-last:hidden" />
      <span className="mt-0.5 flex size-4 shrink-0 items-center justify-center bg-surface">
        {state ? <StateIcon state={state} /> : <span aria-hidden className="size-2 rounded-full bg-line-strong" />}
      </span>
      <div className="min-w-0 flex-1">
        <div className="flex items-baseline justify-between gap-2">
          <span className={cn('text-sm', (state || now) && 'font-semibold')}>{title}</span>
          {at && (
            <time dateTime={at} title={exactTime(at)} className="shrink-0 text-xs text-muted tabular-nums">
              {shortTime(at)}
            </time>
          )}
        </div>
        {children && <div className="text-xs leading-5 break-words text-muted">{children}</div>}
      </div>
    </li>
  )
}
