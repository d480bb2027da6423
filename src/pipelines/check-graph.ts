/** What tasks say of each other: dependencies that are there, no cycles, artefacts of tasks that ran before. */
import type { TaskDefinition } from '../job/pipeline.ts'
import { nearest } from '../config/nearest.ts'
import { ancestors, findCycles, inTopologicalOrder } from './graph.ts'
import { shown } from './field.ts'
import type { ReadTask } from './schema-task.ts'

/** A longer one is no easier to mend for being told in full. */
const mostOfACycle = 50

/** In topological order; those of a cycle are left out, and it is told. */
export function ordered(read: readonly ReadTask[]): TaskDefinition[] {
  const byName = new Map(read.map((each) => [each.task.name, each]))
  for (const each of read) checkDependencies(each, byName)
  const tasks = read.map(({ task }) => task)
  for (const cycle of findCycles(
    tasks.filter((task) => !task.depends_on.includes(task.name)),
    10,
  )) {
    const first = byName.get(cycle[0]!)!
    const names = [...cycle.slice(0, mostOfACycle), ...(cycle.length > mostOfACycle ? ['…'] : []), cycle[0]]
    first.keys.depends_on!.wrong(
      `the tasks wait for each other: ${names.join(' → ')}; remove one of these dependencies`,
    )
  }
  const order = inTopologicalOrder(tasks)
  checkArtifacts(read, order, byName)
  return order
}

function checkDependencies({ task, keys }: ReadTask, byName: ReadonlyMap<string, unknown>): void {
  if (task.depends_on.every((name) => byName.has(name) && name !== task.name)) return
  for (const entry of keys.depends_on!.list(Infinity, '[]')) {
    const name = entry.text()
    if (name === undefined) continue
    if (name === task.name) entry.wrong('depends on itself: remove this')
    else if (!byName.has(name)) entry.wrong(missing(name, byName))
  }
}

function missing(name: string, byName: ReadonlyMap<string, unknown>): string {
  const near = byName.size <= 1000 && name.length > 2 && name.length < 60 ? nearest(name, byName.keys()) : undefined
  return `there is no task ${shown(name)} in this pipeline${near ? `: did you mean \`${near}\`?` : ''}`
}

function checkArtifacts(
  read: readonly ReadTask[],
  order: readonly TaskDefinition[],
  byName: ReadonlyMap<string, ReadTask>,
): void {
  if (order.length < read.length) return
  let isBefore: ReturnType<typeof ancestors> | undefined
  for (const { task, keys } of read) {
    task.artifacts_from.forEach((name, i) => {
      const from = byName.get(name)?.task
      const entry = keys.artifacts_from!.list(Infinity, '[]')[i] ?? keys.artifacts_from!
      if (from === undefined) return entry.wrong(missing(name, byName))
      if (from.artifacts.length === 0)
        entry.wrong(`task ${shown(name)} keeps no artefacts: add \`artifacts: [...]\` to it`)
      if (task.depends_on.includes(name) || (isBefore ??= ancestors(order))(task.name, name)) return
      entry.wrong(`need not have run before: add ${shown(name)} to \`depends_on\``)
    })
  }
}
