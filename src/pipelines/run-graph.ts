/** A definition as the engine walks it: numbers in place of names, made once for each version. */
import type { PipelineDefinition, TaskDefinition } from '../job/pipeline.ts'

/** `empty`: nothing to do, done when its turn comes. */
export type UnitKind = 'script' | 'empty' | 'pipeline' | 'approval'

export interface RunGraph {
  definition: PipelineDefinition
  /** A task's place here is its `position` in `run_tasks`; that of `on_error` comes after the last. */
  tasks: TaskDefinition[]
  positions: Map<string, number>
  /** Of each task: those that it waits for, all before it. */
  needs: number[][]
  kinds: UnitKind[]
  /** Nobody waits for these: their outputs are those of the run. */
  last: number[]
}

export const onErrorName = 'on_error'

export function graphOf(definition: PipelineDefinition): RunGraph {
  const { tasks } = definition
  const positions = new Map(tasks.map((task, i) => [task.name, i]))
  const needs = tasks.map((task) => task.depends_on.map((name) => positions.get(name)!))
  const needed = new Set(needs.flat())
  const last = tasks.flatMap((_, i) => (needed.has(i) ? [] : [i]))
  return { definition, tasks, positions, needs, kinds: tasks.map(kindOf), last }
}

const kindOf = ({ pipeline, approval, script }: TaskDefinition): UnitKind =>
  pipeline !== null ? 'pipeline' : approval !== null ? 'approval' : script.length > 0 ? 'script' : 'empty'

/** All tasks before this one, near or far. */
export function before({ needs }: RunGraph, position: number): Set<number> {
  const found = new Set<number>()
  const open = [position]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const need of needs[next]!) {
      if (found.has(need)) continue
      found.add(need)
      open.push(need)
    }
  }
  return found
}

export const unitWords = (name: string, item: number): string => (item < 0 ? name : `${name}[${item}]`)
