/** A plan of few words: states and units in, names out. */
import type { TaskState } from '../../job/pipeline.ts'
import { planRun, type RunFacts, type TaskFacts } from '../plan.ts'
import { graphOf } from '../run-graph.ts'
import type { ActiveUnit, JobFacts } from '../unit-end.ts'
import { definitionOf, type DefinitionParts } from './definitions.ts'

export const now = new Date('2030-01-01T00:00:00Z')
export const facts: RunFacts = {
  now,
  admittedAt: new Date(now.getTime() - 60_000),
  cancelRequested: false,
  lastError: null,
}

export const job = (state: JobFacts['state'], over: Partial<JobFacts> = {}): JobFacts => ({
  id: 'job',
  state,
  outcome: null,
  outputs: null,
  startedAt: now,
  endedAt: now,
  cancelRequested: false,
  cancelReason: null,
  ...over,
})
export const unit = (position: number, over: Partial<ActiveUnit> = {}): ActiveUnit => ({
  ...{ position, item: -1, state: 'running', cancelRequested: false, startedAt: now, job: null, child: null },
  ...{ decision: null, decidedBy: null, note: null },
  ...over,
})

export interface Case {
  /** State of each task in order, `waiting` when missing. */
  states?: TaskState[]
  active?: ActiveUnit[]
  instances?: TaskFacts['instances']
  run?: Partial<RunFacts>
  atOnce?: number
}

export function plan(
  parts: DefinitionParts,
  { states = [], active = [], instances = new Map(), run, atOnce = 500 }: Case,
) {
  const graph = graphOf(definitionOf(parts))
  const all = [...graph.tasks.map((_, i): TaskState => states[i] ?? 'waiting'), ...states.slice(graph.tasks.length)]
  const made = planRun(graph, { ...facts, ...run }, { states: all, instances, active }, atOnce)
  const name = (position: number): string => graph.tasks[position]?.name ?? 'on_error'
  return {
    ...made,
    ends: made.ends.map(({ position, item, state, error }) =>
      [name(position) + (item < 0 ? '' : `[${item}]`), state, error].filter((word) => word !== null).join(' '),
    ),
    begins: made.begins.map(name),
    expands: made.expands.map(name),
    gathers: made.gathers.map(name),
  }
}

export const exited = job('failed', { outcome: { state: 'failed', exit_code: 3, message: 'exited with code 3' } })
export const after = (name: string) => ({ depends_on: [name] })
