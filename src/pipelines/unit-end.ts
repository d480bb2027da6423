/** What became of a unit (a task, or one instance of a task that fans out) by its job, its child run or a decision: pure. */
import type { JobOutcome } from '../job/outcome.ts'
import { isTerminal, type JobState } from '../job/state.ts'
import type { RunResult, TaskDefinition, TaskState } from '../job/pipeline.ts'
import { durationWords } from './duration-words.ts'

export interface JobFacts {
  id: string
  state: JobState
  outcome: JobOutcome | null
  outputs: Record<string, unknown> | null
  startedAt: Date | null
  endedAt: Date | null
  cancelRequested: boolean
  cancelReason: string | null
}

export interface ChildFacts {
  key: string
  publicId: string
  /** Null while it is open. */
  result: RunResult | null
  lastError: string | null
  endedAt: Date | null
  cancelRequested: boolean
}

/** A unit that has begun and is not over, or a waiting one that somebody wants cancelled. */
export interface ActiveUnit {
  position: number
  /** -1: the task itself. */
  item: number
  state: 'waiting' | 'running' | 'approval'
  cancelRequested: boolean
  /** Of an approval: since when somebody may decide. */
  startedAt: Date | null
  /** `gone`: it was removed before its end was noted here. */
  job: JobFacts | 'gone' | null
  child: ChildFacts | 'gone' | null
  decision: 'approved' | 'rejected' | 'timed_out' | null
  decidedBy: string | null
  note: string | null
}

export type FinalState = Extract<TaskState, 'done' | 'failed' | 'cancelled' | 'skipped'>

export interface UnitEnd {
  state: FinalState
  exitCode: number | null
  /** Of a cancelled one: null when whoever stopped it is known from the run. */
  error: string | null
  outputs: Record<string, unknown> | null
  startedAt: Date | null
  /** Null: now. */
  endedAt: Date | null
  decision?: 'timed_out'
}

type EndingTask = Pick<TaskDefinition, 'allow_failure' | 'approval'>

const plain = { exitCode: null, outputs: null, startedAt: null, endedAt: null } as const

/** An end that is none of a job's: a render error, a refusal, a rejection. */
export const failedUnit = (task: Pick<TaskDefinition, 'allow_failure'>, error: string): UnitEnd => ({
  ...plain,
  state: task.allow_failure ? 'done' : 'failed',
  error,
})
export const plainEnd = (state: FinalState, error: string | null = null): UnitEnd => ({ ...plain, state, error })

/** Null: it goes on. `stopping`: the run is being stopped. */
export function endOfUnit(unit: ActiveUnit, task: EndingTask, now: Date, stopping: boolean): UnitEnd | null {
  const stopped = stopping || unit.cancelRequested
  if (unit.state === 'waiting') return unit.cancelRequested ? plainEnd('cancelled') : null
  if (unit.state === 'approval') return endOfApproval(unit, task, now) ?? (stopped ? plainEnd('cancelled') : null)
  if (unit.job !== null) return endOfJob(unit.job, task, stopped)
  if (unit.child !== null) return endOfChild(unit.child, task, stopped)
  return stopped ? plainEnd('cancelled') : null
}

function endOfJob(job: JobFacts | 'gone', task: EndingTask, stopped: boolean): UnitEnd | null {
  if (job === 'gone') return failedUnit(task, 'its job was removed before its end was noted')
  if (!isTerminal(job.state)) return null
  const { startedAt, endedAt, outputs, outcome } = job
  const exitCode = outcome?.exit_code ?? null
  const facts = { exitCode, outputs, startedAt, endedAt }
  if (job.state === 'succeeded') return { ...facts, state: 'done', error: null }
  if (job.state === 'cancelled' || job.state === 'skipped') {
    const why = job.cancelReason === null ? '' : `: ${job.cancelReason}`
    return { ...facts, state: 'cancelled', error: stopped ? null : `its job was cancelled${why}` }
  }
  const error = outcome?.message ?? `its job ended as ${job.state.replaceAll('_', ' ')}`
  return { ...facts, ...failedUnit(task, error), exitCode, outputs, startedAt, endedAt }
}

function endOfChild(child: ChildFacts | 'gone', task: EndingTask, stopped: boolean): UnitEnd | null {
  if (child === 'gone') return failedUnit(task, 'its run was removed before its end was noted')
  if (child.result === null) return null
  const { endedAt } = child
  if (child.result === 'succeeded') return { ...plainEnd('done'), endedAt }
  if (child.result === 'cancelled') {
    return { ...plainEnd('cancelled', stopped ? null : `its run ${child.publicId} was cancelled`), endedAt }
  }
  const why = child.lastError === null ? '' : `: ${child.lastError}`
  return { ...failedUnit(task, `its run ${child.publicId} failed${why}`), endedAt }
}

/** When an approval is over without anybody; null: it waits for ever. */
export const approvalDue = ({ startedAt }: ActiveUnit, { approval }: Pick<TaskDefinition, 'approval'>): number | null =>
  startedAt === null || approval?.timeout_ms == null ? null : startedAt.getTime() + approval.timeout_ms

function endOfApproval(unit: ActiveUnit, task: EndingTask, now: Date): UnitEnd | null {
  if (unit.decision === 'approved') return plainEnd('done')
  if (unit.decision === 'rejected') {
    const note = unit.note === null ? '' : `: ${unit.note}`
    return failedUnit(task, `rejected by ${unit.decidedBy ?? 'somebody'}${note}`)
  }
  const due = approvalDue(unit, task)
  if (due === null || now.getTime() < due) return null
  const words = `nobody decided within ${durationWords(task.approval!.timeout_ms!)}`
  const end = task.approval!.on_timeout === 'approve' ? plainEnd('done') : failedUnit(task, words)
  return { ...end, decision: 'timed_out' }
}
