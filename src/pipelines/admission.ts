/**
 * Which run of a pipeline may start, wait or is refused: pure, decided under the pipeline's lock. As prunner v1.3.0:
 * `queue_limit: 0` starts what finds a free slot, `replace` without a limit has one place, and a cancelled run gives its
 * place free.
 */
import type { PipelineDefinition } from '../job/pipeline.ts'

export type AdmissionRules = Pick<
  PipelineDefinition,
  | 'concurrency'
  | 'queue_limit'
  | 'queue_strategy'
  | 'queue_partition_limit'
  | 'start_delay_ms'
  | 'interrupt_running'
  | 'variables'
>

/** Times in milliseconds of the database's clock. */
export interface AdmittedRun {
  key: string
  admittedAt: number
  /** It was asked to stop, and has its slot until it has. */
  cancelling: boolean
}
export interface WaitingRun {
  key: string
  partition: string | null
  /** End of its start delay; without one, when it came. */
  dueAt: number
}

export interface OpenRuns {
  running: AdmittedRun[]
  /** In the order in which they came; with `append`, only those that may be next. */
  waiting: WaitingRun[]
  /** How many wait. */
  allWaiting: number
}

/** Keys. */
export type Admission =
  | { act: 'start' }
  | {
      act: 'wait'
      /** From 1, on the list without those that it replaces. */
      place: number
      dueAt: number
      /** Waiting ones that it ends, the newest last. */
      replaces: string[]
      /** Running ones that are cancelled for it. */
      interrupts: string[]
    }
  | { act: 'refuse'; reason: string }

/** Waiting ones whose turn it is: first come, first served, past those whose delay is not over. */
export function nextToStart(rules: AdmissionRules, { running, waiting }: OpenRuns, now: number): string[] {
  const free = Math.max(0, rules.concurrency - running.length)
  return waiting
    .filter((run) => run.dueAt <= now)
    .slice(0, free)
    .map((run) => run.key)
}

/** Of a run that has just come. Those of `nextToStart` have left the waiting list: nobody overtakes them. */
export function admit(rules: AdmissionRules, open: OpenRuns, partition: string | null, now: number): Admission {
  const { running, waiting, allWaiting } = open
  const { concurrency, queue_strategy: strategy, start_delay_ms: delay } = rules
  if (delay === 0 && running.length < concurrency) return { act: 'start' }
  const { most, setting } = placesOf(rules)
  const rivals = strategy === 'partitioned_replace' ? waiting.filter((run) => run.partition === partition) : waiting
  const full = (strategy === 'append' ? allWaiting : rivals.length) >= most
  if (full && (strategy === 'append' || most === 0)) {
    return { act: 'refuse', reason: delay > 0 && most === 0 ? noPlaceForDelay : fullText(rules, open, setting) }
  }
  // More than one when the limit was lowered while they waited.
  const replaces = full ? rivals.slice(most - 1).map((run) => run.key) : []
  const interrupts = delay === 0 && interrupting(rules) ? running.filter((run) => !run.cancelling) : []
  return {
    act: 'wait',
    place: allWaiting - replaces.length + 1,
    dueAt: now + delay,
    replaces,
    interrupts: interrupts.map((run) => run.key),
  }
}

/**
 * Running ones that are cancelled for one whose start delay is over while no slot is free: those that ran at that moment,
 * not one that has begun since, which would begin for nothing.
 */
export function interruptedByDue(rules: AdmissionRules, { running, waiting }: OpenRuns, now: number): string[] {
  if (!interrupting(rules) || running.length < rules.concurrency) return []
  const due = waiting.filter((run) => run.dueAt <= now)
  const last = due.reduce((latest, run) => Math.max(latest, run.dueAt), -Infinity)
  return running.filter((run) => !run.cancelling && run.admittedAt < last).map((run) => run.key)
}

const interrupting = (rules: AdmissionRules): boolean => rules.interrupt_running && rules.queue_strategy === 'replace'

/** On the waiting list, or on the part of it that a partition has. */
function placesOf(rules: AdmissionRules): { most: number; setting: string } {
  if (rules.queue_strategy === 'partitioned_replace') {
    return { most: rules.queue_partition_limit ?? 1, setting: 'queue_partition_limit' }
  }
  const unset = rules.queue_strategy === 'replace' ? 1 : Infinity
  return { most: rules.queue_limit ?? unset, setting: 'queue_limit' }
}

const noPlaceForDelay = 'start_delay needs a place on the waiting list, and queue_limit is 0: raise queue_limit'

function fullText({ concurrency }: AdmissionRules, { running, allWaiting }: OpenRuns, setting: string): string {
  const busy = `${running.length} of ${concurrency} runs are running`
  return allWaiting === 0
    ? `${busy} and nothing may wait (${setting}: 0)`
    : `${busy} and ${allWaiting} ${allWaiting === 1 ? 'waits' : 'wait'}, as many as ${setting} allows`
}
