import type { HostResult } from './host.ts'

/** How an attempt ended. Success and failure share one shape; times are ISO 8601 UTC. */
export const outcomeStates = ['succeeded', 'failed', 'timed_out', 'oom_killed', 'cancelled', 'lost'] as const
export type OutcomeState = (typeof outcomeStates)[number]

/** Why an attempt did not succeed; the retry rule decides by it. */
export const errorClasses = [
  'exit', // ended by itself with a code other than 0
  'signal', // ended by a signal nobody of ours sent
  'timeout', // wall time over
  'oom', // the kernel killed it for memory, seen in the cgroup
  'start', // never ran: not found, not executable, working directory missing
  'refused', // this runner cannot hold a limit or an isolation that the job named; a receiver will not take a message
  'lost', // its runner went away and did not come back inside the grace
  'infrastructure', // the runner's own fault: spool full, launcher gone
] as const
export type ErrorClass = (typeof errorClasses)[number]

export interface Usage {
  /** User + system CPU time of the whole tree, milliseconds. */
  cpu_ms?: number
  /** Peak memory of the whole tree, bytes. */
  memory_peak_bytes?: number
  io_read_bytes?: number
  io_write_bytes?: number
}

/** Of a job as a whole: one that is skipped had no attempt that could end. */
export type JobOutcome = Omit<Outcome, 'state'> & { state: OutcomeState | 'skipped' }

export const skippedFor = (dependency: { publicId: string; state: string }): JobOutcome => ({
  state: 'skipped',
  message:
    dependency.state === 'skipped'
      ? `skipped: job ${dependency.publicId} was skipped`
      : `skipped: job ${dependency.publicId} ended as ${dependency.state.replaceAll('_', ' ')}`,
})

export interface Outcome {
  state: OutcomeState
  /** Present when state is not `succeeded` or `cancelled`. */
  error_class?: ErrorClass
  /** One sentence for the user: what happened and, where there is one, the fix. */
  message?: string
  exit_code?: number | null
  /** e.g. `SIGKILL`. A sandbox reports 128+n, so both this and exit_code are given when they may be the same thing. */
  signal?: string | null
  started_at?: string
  ended_at?: string
  usage?: Usage
  /** Processes of the attempt still alive after the stop ladder; 0 is the proof that the tree is dead. */
  remaining_processes?: number
  /** Built-in default limits that this runner could not hold (`settled.md`, Isolation policy). */
  unenforced?: string[]
  /** Children killed for memory while the job itself ended otherwise. */
  oom_kills?: number
  /** Of a job on several hosts: each of them. */
  hosts?: HostResult[]
}
