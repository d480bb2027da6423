import type { PipelineTask } from '../../lib/api.ts'
import { taskKey } from './words.ts'

/** The list with what has changed in it. An instance that is new stands after those of its task. */
export function mergeTasks(tasks: readonly PipelineTask[], changed: readonly PipelineTask[]): PipelineTask[] {
  const fresh = new Map(changed.map((task) => [taskKey(task), task]))
  const merged: PipelineTask[] = []
  const addRest = (name: string) => {
    for (const [key, task] of fresh) {
      if (task.name !== name) continue
      merged.push(task)
      fresh.delete(key)
    }
  }
  const added = new Set<string>()
  const known = new Set(tasks.map(taskKey))
  for (const task of changed) if (!known.has(taskKey(task))) added.add(task.name)
  tasks.forEach((task, index) => {
    const key = taskKey(task)
    merged.push(fresh.get(key) ?? task)
    fresh.delete(key)
    if (added.has(task.name) && tasks[index + 1]?.name !== task.name) addRest(task.name)
  })
  return [...merged, ...fresh.values()]
}

export interface TaskRow {
  task: PipelineTask
  /** Of a task that fans out: its instances, as they are now. */
  instances: PipelineTask[]
}

/** A row for every task; instances are within the row of theirs. */
export function groupInstances(tasks: readonly PipelineTask[]): TaskRow[] {
  const rows = new Map<string, TaskRow>()
  for (const task of tasks) if (task.item === null) rows.set(task.name, { task, instances: [] })
  for (const task of tasks) if (task.item !== null) rows.get(task.name)?.instances.push(task)
  return [...rows.values()]
}
