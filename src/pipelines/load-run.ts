/** A run as one step of it needs it: in three statements that travel together, small even where the graph is not. */
import type { Queryable } from '../db/pool.ts'
import type { PipelineDefinition, RunResult, TaskState } from '../job/pipeline.ts'
import type { NotifyRule } from '../queue/runs.ts'
import { versionOf } from './definition-store.ts'
import type { InstanceCounts, TaskFacts } from './plan.ts'
import { graphOf, type RunGraph } from './run-graph.ts'
import type { RunState, Variables } from './run.ts'
import type { ActiveUnit, ChildFacts, JobFacts } from './unit-end.ts'

export interface RunRow {
  key: string
  publicId: string
  ownerId: string
  notify: NotifyRule[]
  createdAt: Date
  startedAt: Date | null
  cancelRequested: boolean
  uuid: string
  state: RunState
  result: RunResult | null
  pipelineId: string
  pipeline: string
  versionId: string
  hash: string
  root: string | null
  admittedAt: Date | null
  notBefore: Date | null
  variables: Variables
  label: string | null
  depth: number
  parentKey: string | null
  parentTask: string | null
  parentItem: number | null
  lastError: string | null
  /** By the database's clock. */
  now: Date
}

/** Locks the run, but for those who only refer to it, as the fold of its counts does; null when there is none. */
export async function loadRun(tx: Queryable, key: string): Promise<{ run: RunRow; tasks: TaskFacts } | null> {
  // In a statement of its own: one that waits for a lock does not see what was committed meanwhile.
  const [, facts, states, units] = await Promise.all([
    tx.query({ name: 'pipelines_lock_run', text: 'select from runs where id = $1 for no key update', values: [key] }),
    tx.query<RunRow>({ name: 'pipelines_run_facts', text: runFacts, values: [key] }),
    tx.query<StateRow>({ name: 'pipelines_task_states', text: taskStates, values: [key] }),
    tx.query<UnitRow>({ name: 'pipelines_active_units', text: activeUnits, values: [key] }),
  ])
  const run = facts.rows[0]
  return run === undefined ? null : { run, tasks: factsOf(states.rows, units.rows) }
}

const runFacts = `
  select r.id as key, r.public_id as "publicId", r.owner_id as "ownerId", r.notify, r.created_at as "createdAt",
    r.started_at as "startedAt", r.cancel_requested_at is not null as "cancelRequested", pr.uuid, pr.state, pr.result,
    pr.pipeline_id as "pipelineId", p.name as pipeline, pr.version_id as "versionId", v.hash,
    case when v.created_by is null then p.root end as root, pr.admitted_at as "admittedAt",
    pr.not_before as "notBefore", pr.variables, pr.label, pr.depth, pr.parent_run_id as "parentKey",
    pr.parent_task as "parentTask", pr.parent_item as "parentItem", pr.last_error as "lastError",
    clock_timestamp() as now
  from runs r join pipeline_runs pr on pr.run_id = r.id join pipelines p on p.id = pr.pipeline_id
    join pipeline_versions v on v.id = pr.version_id
  where r.id = $1`

interface StateRow {
  /** -1: tasks; else the task whose instances these are. */
  fan: number
  state: TaskState
  n: number
  positions: number[] | null
}
const taskStates = `
  select case when item < 0 then -1 else position end as fan, state, count(*)::int as n,
    array_agg(position) filter (where item < 0) as positions
  from run_tasks where run_id = $1 group by 1, 2`

interface UnitRow extends Omit<ActiveUnit, 'job' | 'child'>, Omit<JobFacts, 'id' | 'state' | 'startedAt' | 'endedAt'> {
  jobId: string | null
  jobState: JobFacts['state'] | null
  jobStartedAt: Date | null
  jobEndedAt: Date | null
  jobCancelRequested: boolean
  childRun: string | null
  childKey: string | null
  childResult: RunResult | null
  childError: string | null
  childEndedAt: Date | null
  childCancelRequested: boolean
}
const activeUnits = `
  select t.position, t.item, t.state, t.cancel_requested_at is not null as "cancelRequested",
    t.started_at as "startedAt", t.decision, t.decided_by as "decidedBy", t.note, t.job_id as "jobId",
    j.state as "jobState", j.outcome, j.outputs, j.started_at as "jobStartedAt", j.ended_at as "jobEndedAt",
    j.cancel_requested_at is not null as "jobCancelRequested", j.cancel_reason as "cancelReason",
    t.child_run as "childRun", c.id as "childKey", cp.result as "childResult", cp.last_error as "childError",
    c.ended_at as "childEndedAt", c.cancel_requested_at is not null as "childCancelRequested"
  from run_tasks t left join jobs j on j.public_id = t.job_id
    left join runs c on c.public_id = t.child_run left join pipeline_runs cp on cp.run_id = c.id
  where t.run_id = $1
    and (t.state in ('running', 'approval') or (t.state = 'waiting' and t.cancel_requested_at is not null))
  order by t.position, t.item`

function factsOf(stateRows: StateRow[], unitRows: UnitRow[]): TaskFacts {
  const states: TaskFacts['states'] = []
  const instances = new Map<number, InstanceCounts>()
  for (const { fan, state, n, positions } of stateRows) {
    if (fan < 0) for (const position of positions!) states[position] = state
    else {
      const counts = instances.get(fan) ?? {}
      counts[state] = n
      instances.set(fan, counts)
    }
  }
  return { states, instances, active: unitRows.map((row) => ({ ...row, job: jobOf(row), child: childOf(row) })) }
}

function jobOf(row: UnitRow): JobFacts | 'gone' | null {
  const { jobId, jobState, outcome, outputs, cancelReason } = row
  if (jobId === null) return null
  if (jobState === null) return 'gone'
  const times = { startedAt: row.jobStartedAt, endedAt: row.jobEndedAt }
  return {
    id: jobId,
    state: jobState,
    outcome,
    outputs,
    cancelReason,
    cancelRequested: row.jobCancelRequested,
    ...times,
  }
}

function childOf(row: UnitRow): ChildFacts | 'gone' | null {
  if (row.childRun === null) return null
  if (row.childKey === null) return 'gone'
  return {
    key: row.childKey,
    publicId: row.childRun,
    result: row.childResult,
    lastError: row.childError,
    endedAt: row.childEndedAt,
    cancelRequested: row.childCancelRequested,
  }
}

/** By content: what a version says never changes. A graph of 10,000 tasks takes some MB and longer to read than to walk. */
const graphs = new Map<string, RunGraph>()
const graphsKept = 50

export async function graphFor(tx: Queryable, run: Pick<RunRow, 'versionId' | 'hash'>): Promise<RunGraph> {
  const key = `${run.versionId} ${run.hash}`
  const known = graphs.get(key)
  const graph = known ?? graphOf((await versionOf(tx, run.versionId)).definition satisfies PipelineDefinition)
  graphs.delete(key)
  graphs.set(key, graph)
  if (graphs.size > graphsKept) graphs.delete(graphs.keys().next().value!)
  return graph
}
