/**
 * What is to be done next for a run: pure, one pass over its tasks and edges, whatever happened since the last look and
 * however often it is asked. Tasks come in topological order, so what the end of one means reaches all others in the
 * same pass.
 */
import type { RunResult, TaskState } from '../job/pipeline.ts'
import { isTerminal, waitingStates, type JobState } from '../job/state.ts'
import { durationWords } from './duration-words.ts'
import { unitWords, type RunGraph } from './run-graph.ts'
import { approvalDue, endOfUnit, plainEnd, type ActiveUnit, type UnitEnd } from './unit-end.ts'

export interface RunFacts {
  /** By the database's clock. */
  now: Date
  admittedAt: Date
  cancelRequested: boolean
  /** Why it stops or what it failed of, once that is written down. */
  lastError: string | null
}

export type InstanceCounts = Partial<Record<TaskState, number>>

export interface TaskFacts {
  /** Of each task by position; one that is not there will never be. `on_error` is after the last, once it has begun. */
  states: (TaskState | undefined)[]
  /** Of tasks that fan out, by position. */
  instances: Map<number, InstanceCounts>
  active: ActiveUnit[]
}

export interface Unit {
  position: number
  /** -1: the task itself. */
  item: number
}

/** Why nothing new begins. */
export interface Stop {
  kind: 'cancel' | 'timeout' | 'failure'
  words: string
}

export interface RunPlan {
  stop: Stop | null
  ends: (Unit & UnitEnd)[]
  /** Tasks whose turn has come. */
  begins: number[]
  /** Those of them that need their list first. */
  expands: number[]
  /** So many of the next waiting instances. */
  instances: { position: number; count: number }[]
  /** All waiting instances of these. */
  sweeps: { position: number; state: 'skipped' | 'cancelled'; error: string | null }[]
  /** Tasks whose instances are all over. */
  gathers: number[]
  /** Jobs to cancel; of `unbegun` only those that no runner holds yet. */
  stopJobs: string[]
  stopUnbegun: string[]
  /** Runs of sub-pipelines, by key. */
  stopChildren: string[]
  startChildren: Unit[]
  /** Its turn has come. */
  onError: boolean
  /** The first failure, to be written down. */
  lastError: string | null
  end: { result: RunResult; lastError: string | null } | null
  /** When something is due although nothing happens; milliseconds since 1970. */
  dueAt: number | null
  /** There is more to begin than fits into one step. */
  more: boolean
}

export function planRun(graph: RunGraph, run: RunFacts, given: TaskFacts, atOnce: number): RunPlan {
  const { definition, tasks } = graph
  const states = [...given.states]
  const instances = new Map([...given.instances].map(([position, counts]) => [position, { ...counts }]))
  const deadline = definition.timeout_ms === null ? null : run.admittedAt.getTime() + definition.timeout_ms
  const late = deadline !== null && run.now.getTime() >= deadline

  const earlier = failedTask(graph, states, instances)
  const stopped = run.cancelRequested || late || (earlier !== null && !definition.continue_running_tasks_after_failure)
  const wanted = new Set(given.active.flatMap((unit) => (unit.item < 0 && unit.cancelRequested ? [unit.position] : [])))
  const ended = new Map<ActiveUnit, UnitEnd>()
  for (const each of given.active) {
    const unit = { ...each, cancelRequested: each.cancelRequested || wanted.has(each.position) }
    if (isFan(unit)) continue
    const end = endOfUnit(unit, taskAt(unit.position), run.now, stopped)
    if (end === null) continue
    ended.set(each, end)
    count(unit, unit.state, end.state)
  }
  const failure = firstFailure(graph, ended)
  const failed = earlier ?? failure?.name ?? null
  const stop = stopOf()
  // Approvals and sub-pipelines that have not begun stop at once with the failure of another.
  if (stop?.kind === 'failure') {
    for (const unit of given.active) {
      if (ended.has(unit) || isFan(unit) || unit.state === 'waiting') continue
      const end = endOfUnit(unit, taskAt(unit.position), run.now, true)
      if (end === null) continue
      ended.set(unit, end)
      count(unit, unit.state, end.state)
    }
  }

  const plan: RunPlan = {
    stop,
    ends: [...ended].map(([{ position, item }, end]) => ({ ...end, position, item, error: end.error ?? wordsOf(end) })),
    ...{ begins: [], expands: [], instances: [], sweeps: [], gathers: [] },
    ...{ stopJobs: [], stopUnbegun: [], stopChildren: [], startChildren: [] },
    onError: false,
    lastError: run.lastError === null ? (failure?.words ?? (late ? stop!.words : null)) : null,
    ...{ end: null, dueAt: null, more: false },
  }
  let room = atOnce

  for (const unit of given.active) if (!ended.has(unit)) goOn(unit)
  for (let position = 0; position < tasks.length; position++) {
    if (states[position] === 'waiting') look(position)
    else if (states[position] === 'running' && instances.has(position)) fan(position)
  }
  if (!isAnyOpen()) finish()
  if (plan.end === null && stop === null && deadline !== null) due(deadline)
  return plan

  function stopOf(): Stop | null {
    if (run.cancelRequested) return { kind: 'cancel', words: 'the run was cancelled' }
    if (late) return { kind: 'timeout', words: `the run timed out after ${durationWords(definition.timeout_ms!)}` }
    if (failed === null || definition.continue_running_tasks_after_failure) return null
    return { kind: 'failure', words: `task ${failed} failed` }
  }

  function wordsOf(end: UnitEnd): string | null {
    return end.state === 'cancelled' ? `cancelled${stop === null ? '' : `: ${stop.words}`}` : null
  }

  /** `on_error` is no task of the list: nothing about it can be allowed to fail or be stopped late. */
  function taskAt(position: number): { allow_failure: boolean; interruptible: boolean } & Pick<Task, 'approval'> {
    return tasks[position] ?? { allow_failure: false, interruptible: true, approval: null }
  }

  /** The task itself, whose instances do the work. */
  function isFan({ position, item, state }: ActiveUnit): boolean {
    return item < 0 && state === 'running' && tasks[position] !== undefined && tasks[position].for_each !== null
  }

  function count({ position, item }: Unit, from: TaskState, to: TaskState): void {
    if (item < 0) states[position] = to
    else {
      const counts = instances.get(position)!
      counts[from] = counts[from]! - 1
      counts[to] = (counts[to] ?? 0) + 1
    }
  }

  /** One that has not ended. */
  function goOn(unit: ActiveUnit): void {
    if (isFan(unit)) {
      if (!instances.has(unit.position)) instances.set(unit.position, {})
      return
    }
    if (unit.state === 'approval') {
      const at = approvalDue(unit, taskAt(unit.position))
      if (at !== null) due(at)
    }
    const stopping = stop !== null && !(stop.kind === 'failure' && unit.position === tasks.length)
    const { job, child } = unit
    const { interruptible } = taskAt(unit.position)
    if (!stopping && !unit.cancelRequested && !wanted.has(unit.position)) {
      if (unit.state === 'running' && job === null && child === null) plan.startChildren.push(unit)
    } else if (job !== null && job !== 'gone') {
      if (job.cancelRequested || isTerminal(job.state)) return
      if (interruptible) plan.stopJobs.push(job.id)
      else if (isWaiting(job.state)) plan.stopUnbegun.push(job.id)
    } else if (child !== null && child !== 'gone' && !child.cancelRequested && interruptible) {
      plan.stopChildren.push(child.key)
    }
  }

  /** One that waits for its turn. */
  function look(position: number): void {
    if (stop !== null) {
      const cancelled = stop.kind === 'cancel'
      endNow(position, plainEnd(cancelled ? 'cancelled' : 'skipped', cancelled ? stop.words : `skipped: ${stop.words}`))
      return
    }
    let ready = true
    for (const need of graph.needs[position]!) {
      const state = states[need] ?? 'skipped'
      if (state === 'failed' || state === 'cancelled' || state === 'skipped') {
        const became = state === 'failed' ? 'failed' : `was ${state}`
        endNow(position, plainEnd('skipped', `skipped: task ${tasks[need]!.name} ${became}`))
        return
      }
      ready &&= state === 'done'
    }
    if (ready) begin(position)
  }

  function begin(position: number): void {
    const fans = tasks[position]!.for_each !== null
    if (graph.kinds[position] === 'empty' && !fans) {
      endNow(position, { ...plainEnd('done'), startedAt: run.now, endedAt: run.now })
      return
    }
    if (room === 0) {
      plan.more = true
      return
    }
    room -= 1
    if (fans) plan.expands.push(position)
    else plan.begins.push(position)
    states[position] = 'running'
  }

  function endNow(position: number, end: UnitEnd): void {
    plan.ends.push({ ...end, position, item: -1 })
    states[position] = end.state
  }

  /** Of a task that has fanned out. */
  function fan(position: number): void {
    const counts = instances.get(position)!
    const under = (counts.running ?? 0) + (counts.approval ?? 0)
    const left = counts.waiting ?? 0
    if (left > 0 && (stop !== null || wanted.has(position))) {
      const state = stop?.kind === 'failure' || stop?.kind === 'timeout' ? 'skipped' : 'cancelled'
      plan.sweeps.push({ position, state, error: stop === null ? null : `${state}: ${stop.words}` })
    } else if (left > 0) {
      const free = Math.min(left, (tasks[position]!.max_parallel ?? Infinity) - under)
      const taken = Math.min(free, room)
      if (taken > 0) plan.instances.push({ position, count: taken })
      if (taken < free) plan.more = true
      room -= taken
      return
    }
    if (under === 0) plan.gathers.push(position)
  }

  function isAnyOpen(): boolean {
    for (const state of states) if (state === 'waiting' || state === 'running' || state === 'approval') return true
    return false
  }

  function finish(): void {
    const has = (state: TaskState): boolean => states.slice(0, tasks.length).includes(state)
    const { on_error } = definition
    const stopped = stop?.kind === 'cancel' || stop?.kind === 'timeout'
    if (failed !== null && !stopped && on_error !== null && on_error.script.length > 0) {
      if (states[tasks.length] === undefined) {
        plan.onError = true
        return
      }
    }
    const words = run.lastError ?? plan.lastError
    if (run.cancelRequested) plan.end = { result: 'cancelled', lastError: words }
    else if (failed !== null || (late && !states.every((state) => state === 'done'))) {
      plan.end = { result: 'failed', lastError: words }
    } else if (has('cancelled') || has('skipped')) {
      const first = states.findIndex((state) => state === 'cancelled' || state === 'skipped')
      plan.end = { result: 'cancelled', lastError: words ?? `task ${tasks[first]!.name} was ${states[first]}` }
    } else plan.end = { result: 'succeeded', lastError: null }
  }

  function due(at: number): void {
    plan.dueAt = Math.min(at, plan.dueAt ?? Infinity)
  }
}

type Task = RunGraph['tasks'][number]

const isWaiting = (state: JobState): boolean => (waitingStates as readonly JobState[]).includes(state)

/** Name of one that had failed before. */
function failedTask(
  { tasks }: RunGraph,
  states: TaskFacts['states'],
  instances: TaskFacts['instances'],
): string | null {
  const first = tasks.findIndex((_, i) => states[i] === 'failed' || (instances.get(i)?.failed ?? 0) > 0)
  return first < 0 ? null : tasks[first]!.name
}

/** Of those that ended now, by their own times; what `on_error` does is no failure of the run's. */
function firstFailure(
  { tasks }: RunGraph,
  ended: ReadonlyMap<ActiveUnit, UnitEnd>,
): { name: string; words: string } | null {
  const failures = [...ended].filter(([{ position }, { state }]) => state === 'failed' && position < tasks.length)
  const time = ([, { endedAt }]: (typeof failures)[number]): number => endedAt?.getTime() ?? Infinity
  const [first] = failures.sort((a, b) => (time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : 0))
  if (first === undefined) return null
  const [{ position, item }, { error }] = first
  const { name } = tasks[position]!
  return { name, words: `task ${unitWords(name, item)}: ${error}` }
}
