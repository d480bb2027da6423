import type { PipelineTask } from '../../../lib/api.ts'
import type { TaskRow } from '../task-list.ts'
import type { TaskState } from '../words.ts'

export interface RowFilter {
  q?: string
  state?: TaskState
  /** Only tasks of these names. */
  names?: ReadonlySet<string> | null
}

export interface VisibleRow {
  task: PipelineTask
  /** How many instances it has; 0 for those that do not fan out, and for instances. */
  instances: readonly PipelineTask[]
}

/** The rows of the table in order: tasks that fit, and below those that are opened their instances that fit. */
export function visibleRows(
  rows: readonly TaskRow[],
  { q, state, names }: RowFilter,
  opened: ReadonlySet<string>,
): VisibleRow[] {
  const text = q?.toLowerCase()
  const visible: VisibleRow[] = []
  for (const { task, instances } of rows) {
    if (names && !names.has(task.name)) continue
    if (text !== undefined && !task.name.toLowerCase().includes(text)) continue
    const fitting = state === undefined ? instances : instances.filter((one) => one.state === state)
    if (state !== undefined && task.state !== state && fitting.length === 0) continue
    visible.push({ task, instances })
    if (opened.has(task.name)) for (const one of fitting) visible.push({ task: one, instances: [] })
  }
  return visible
}
