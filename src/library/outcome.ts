/** How a job ended, in this library's words. */
import { AttemptLost, StartRefused, type RunningAttempt } from '../executors/index.ts'
import { lostOutcome, outcomeOf, refusedOutcome } from '../executors/outcome-of.ts'
import type { ErrorClass, Outcome, OutcomeState, Usage } from '../job/outcome.ts'
import { callWordOf } from '../job/status-word.ts'
import type { JobRequest } from './options.ts'

export interface JobUsage {
  /** User and system time of the whole process tree. */
  cpuMs?: number
  memoryPeakBytes?: number
  ioReadBytes?: number
  ioWriteBytes?: number
}

export interface JobOutcome {
  state: OutcomeState
  status: 'completed' | 'failed' | 'terminated'
  exitCode: number | null
  /** e.g. `SIGKILL`. */
  signal: string | null
  /** Unless it succeeded or was stopped. */
  errorClass?: ErrorClass
  /** One sentence: what happened. */
  message?: string
  startedAt: Date
  endedAt: Date
  usage: JobUsage
  /** 0: the whole process tree is dead. */
  remainingProcesses: number
  /** Default limits that this host cannot hold; one that was asked for refuses the job instead. */
  unenforced: string[]
}

/** Does not reject: a job that was lost with its launcher, or never ran, has ended too. */
export async function jobOutcome(attempt: RunningAttempt, { limits, timeoutMs }: JobRequest): Promise<JobOutcome> {
  const said = await attempt.ended.then(
    (ended) => outcomeOf({ ended, timeoutMs, memoryBytes: limits.memory_bytes }),
    (error: Error) => without(error),
  )
  return translated(said, attempt)
}

function without(error: Error): Outcome {
  if (error instanceof StartRefused) return refusedOutcome(error, undefined, new Date())
  if (error instanceof AttemptLost) return lostOutcome(error.message, new Date())
  throw error
}

function translated(outcome: Outcome, { startedAt, unenforced }: RunningAttempt): JobOutcome {
  return {
    state: outcome.state,
    status: callWordOf(outcome.state) as JobOutcome['status'],
    exitCode: outcome.exit_code ?? null,
    signal: outcome.signal ?? null,
    ...(outcome.error_class ? { errorClass: outcome.error_class } : {}),
    ...(outcome.message ? { message: outcome.message } : {}),
    startedAt,
    endedAt: new Date(outcome.ended_at ?? Date.now()),
    usage: translatedUsage(outcome.usage ?? {}),
    remainingProcesses: outcome.remaining_processes ?? 0,
    unenforced,
  }
}

const usageNames: Record<keyof Usage, keyof JobUsage> = {
  cpu_ms: 'cpuMs',
  memory_peak_bytes: 'memoryPeakBytes',
  io_read_bytes: 'ioReadBytes',
  io_write_bytes: 'ioWriteBytes',
}
export const translatedUsage = (usage: Usage): JobUsage =>
  Object.fromEntries(Object.entries(usage).map(([name, value]) => [usageNames[name as keyof Usage], value]))
