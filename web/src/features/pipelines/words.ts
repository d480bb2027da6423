import type { SegmentKind, SegmentPart } from '../../components/segmented-bar.tsx'
import type { PipelineRun, PipelineTask, StatusWord } from '../../lib/api.ts'

export type RunStatus = PipelineRun['status']
export type TaskState = PipelineTask['state']

export const runStatuses: { word: RunStatus; label: string; tone: StatusWord }[] = [
  { word: 'waiting', label: 'Waiting', tone: 'waiting' },
  { word: 'running', label: 'Running', tone: 'running' },
  { word: 'succeeded', label: 'Succeeded', tone: 'passed' },
  { word: 'failed', label: 'Failed', tone: 'failed' },
  { word: 'cancelled', label: 'Cancelled', tone: 'cancelled' },
]
export const runWords = (status: RunStatus) => runStatuses.find(({ word }) => word === status)!

export const triggers: { word: PipelineRun['trigger']; label: string }[] = [
  { word: 'manual', label: 'By hand' },
  { word: 'schedule', label: 'By schedule' },
  { word: 'pipeline', label: 'By a pipeline' },
  { word: 'rerun', label: 'Run again' },
]
export const triggerLabel = (trigger: PipelineRun['trigger']): string =>
  triggers.find(({ word }) => word === trigger)!.label

interface TaskWords {
  label: string
  tone: SegmentKind
  meaning: string
}

export const taskStates: Record<TaskState, TaskWords> = {
  waiting: { label: 'Waiting', tone: 'waiting', meaning: 'Its turn has not come' },
  running: { label: 'Running', tone: 'running', meaning: 'It has begun' },
  approval: { label: 'To approve', tone: 'approval', meaning: 'Waits for somebody to approve or reject' },
  done: { label: 'Done', tone: 'passed', meaning: 'Ended well, or was allowed to fail' },
  failed: { label: 'Failed', tone: 'failed', meaning: 'Ended with an error' },
  cancelled: { label: 'Cancelled', tone: 'cancelled', meaning: 'Stopped on request, or because another task failed' },
  skipped: { label: 'Skipped', tone: 'cancelled', meaning: 'Never started: a task before it failed' },
}

export const isRunOpen = ({ status }: Pick<PipelineRun, 'status'>): boolean =>
  status === 'waiting' || status === 'running'
export const isTaskEnded = (state: TaskState): boolean =>
  state !== 'waiting' && state !== 'running' && state !== 'approval'

type Counts = PipelineRun['tasks']

/** In the order of the bar: what is done well, what is not, what goes on, what is to come. */
export const barParts = (counts: Counts): SegmentPart[] => [
  { kind: 'passed', n: counts.done },
  { kind: 'failed', n: counts.failed },
  { kind: 'cancelled', n: counts.cancelled + counts.skipped },
  { kind: 'running', n: counts.running },
  { kind: 'approval', n: counts.approval },
  { kind: 'waiting', n: counts.waiting },
]

/** Of any list of tasks. */
export function countStates(tasks: readonly { state?: TaskState }[]): Counts {
  const counts = { waiting: 0, running: 0, approval: 0, done: 0, failed: 0, cancelled: 0, skipped: 0 }
  for (const { state } of tasks) counts[state ?? 'waiting']++
  return { ...counts, total: tasks.length }
}

export const endedOf = (counts: Counts): number => counts.done + counts.failed + counts.cancelled + counts.skipped

/** How long it has taken, ms; null before it began. */
export function elapsedMs(
  one: { started_at: string | null; ended_at: string | null; duration_ms: number | null },
  now: number,
): number | null {
  if (one.duration_ms !== null && one.ended_at !== null) return one.duration_ms
  if (one.started_at === null) return null
  return Math.max(0, (one.ended_at ? Date.parse(one.ended_at) : now) - Date.parse(one.started_at))
}

/** Among the tasks of a run: instances have the name of their task. */
export const taskKey = ({ name, item }: Pick<PipelineTask, 'name' | 'item'>): string =>
  item === null ? name : `${name}[${item}]`
