import type { PipelineDetail, PipelineTask } from '../../../lib/api.ts'
import { countStates } from '../words.ts'

/** A task as it is drawn: of a definition, or of a run with its state. */
export interface GraphTask extends Pick<PipelineDetail['graph'][number], 'name' | 'depends_on'> {
  kind: PipelineTask['kind']
  fans_out?: boolean
  /** Missing: of a definition. */
  run?: PipelineTask
  /** Of a task that fans out. */
  instances?: readonly PipelineTask[]
}

export interface GraphGroup {
  id: string
  label: string
  tasks: readonly GraphTask[]
  counts: ReturnType<typeof countStates>
}
export type GraphNode = { id: string; task: GraphTask } | { id: string; group: GraphGroup }

export interface GraphShape {
  nodes: GraphNode[]
  edges: { from: string; to: string; critical: boolean }[]
  /** Whether nodes stand for several tasks. */
  grouped: boolean
}

/** More than these take seconds to lay out (300 nodes: 0.6 s), and nobody sees one line among more. */
export const drawnAtMost = { nodes: 250, edges: 600 }
const groupsAtMost = { nodes: 120, edges: 300 }
const neighboursAtMost = 40

/** How many tasks must end before each, one after another; the tasks in any order. */
export function levelsOf(tasks: readonly GraphTask[]): Map<string, number> {
  const missing = new Map(tasks.map(({ name, depends_on }) => [name, depends_on.length]))
  const after = followers(tasks)
  const levels = new Map<string, number>()
  let ready = tasks.filter(({ depends_on }) => depends_on.length === 0).map(({ name }) => name)
  for (let level = 0; ready.length > 0; level++) {
    const next: string[] = []
    for (const name of ready) {
      levels.set(name, level)
      for (const follower of after.get(name) ?? []) {
        const left = missing.get(follower)! - 1
        missing.set(follower, left)
        if (left === 0) next.push(follower)
      }
    }
    ready = next
  }
  return levels
}

function followers(tasks: readonly GraphTask[]): Map<string, string[]> {
  const after = new Map<string, string[]>()
  for (const { name, depends_on } of tasks) {
    for (const before of depends_on) {
      const names = after.get(before)
      if (names) names.push(name)
      else after.set(before, [name])
    }
  }
  return after
}

/** `test-unit-12` is of `test-unit`: without the number at its end. */
const family = (name: string) => name.replace(/[\s._:@+-]*\d+$/, '') || name
const firstPart = (name: string) => /^[^\s._:@+-]+/.exec(name)?.[0] ?? name

/**
 * What is drawn: every task; or, of more than one can look at, groups of those on one level with alike names, then whole
 * levels, then spans of levels.
 */
export function shapeOf(tasks: readonly GraphTask[]): GraphShape {
  const edges = tasks.reduce((n, { depends_on }) => n + depends_on.length, 0)
  if (tasks.length <= drawnAtMost.nodes && edges <= drawnAtMost.edges) {
    return build(tasks, ({ name }) => name)
  }
  const levels = levelsOf(tasks)
  const level = ({ name }: GraphTask) => levels.get(name) ?? 0
  for (const part of [family, firstPart]) {
    const shape = build(tasks, (task) => `${level(task)} ${part(task.name)}`)
    if (shape.nodes.length <= groupsAtMost.nodes && shape.edges.length <= groupsAtMost.edges) return shape
  }
  const span = Math.ceil((Math.max(0, ...levels.values()) + 1) / groupsAtMost.nodes)
  const shape = build(tasks, (task) => String(Math.floor(level(task) / span)))
  // From each span to the next: every task but the first has one it depends on there.
  return { ...shape, edges: shape.edges.filter(({ from, to }) => Number(to) - Number(from) === 1) }
}

/** The tasks before and after one, nearest first, as many as can be looked at. */
export function neighbourhood(tasks: readonly GraphTask[], name: string): GraphShape {
  const byName = new Map(tasks.map((task) => [task.name, task]))
  const after = followers(tasks)
  const seen = new Set([name])
  let before = [name]
  let behind = [name]
  const widen = (names: string[], step: (of: string) => readonly string[]) => {
    const next: string[] = []
    for (const one of names.flatMap(step)) {
      if (seen.has(one) || seen.size >= neighboursAtMost) continue
      seen.add(one)
      next.push(one)
    }
    return next
  }
  while (before.length + behind.length > 0) {
    before = widen(before, (of) => byName.get(of)?.depends_on ?? [])
    behind = widen(behind, (of) => after.get(of) ?? [])
  }
  return build(
    tasks.filter((task) => seen.has(task.name)),
    (task) => task.name,
  )
}

function build(tasks: readonly GraphTask[], idOf: (task: GraphTask) => string): GraphShape {
  const members = new Map<string, GraphTask[]>()
  const ids = new Map<string, string>()
  for (const task of tasks) {
    const id = idOf(task)
    ids.set(task.name, id)
    const group = members.get(id)
    if (group) group.push(task)
    else members.set(id, [task])
  }
  const edges = new Map<string, GraphShape['edges'][number]>()
  const critical = new Set(tasks.filter(({ run }) => run?.critical).map(({ name }) => name))
  for (const { name, depends_on } of tasks) {
    const to = ids.get(name)!
    for (const before of depends_on) {
      const from = ids.get(before)
      if (from === undefined || from === to) continue
      const on = critical.has(name) && critical.has(before)
      const known = edges.get(`${from}\0${to}`)
      if (known) known.critical ||= on
      else edges.set(`${from}\0${to}`, { from, to, critical: on })
    }
  }
  const nodes = [...members].map(([id, group]): GraphNode =>
    group.length === 1 ? { id, task: group[0]! } : { id, group: groupOf(id, group) },
  )
  return { nodes, edges: [...edges.values()], grouped: nodes.some((node) => 'group' in node) }
}

function groupOf(id: string, tasks: readonly GraphTask[]): GraphGroup {
  const families = new Set(tasks.map(({ name }) => family(name)))
  const parts = families.size === 1 ? families : new Set(tasks.map(({ name }) => firstPart(name)))
  const [only] = parts
  const label = parts.size === 1 ? `${only}…` : `${tasks[0]!.name} … ${tasks.at(-1)!.name}`
  return { id, label, tasks, counts: countStates(tasks.map(({ run }) => ({ state: run?.state }))) }
}
