/** Looking at runs of pipelines and their tasks. What one may not see does not exist. */
import type { Queryable } from '../db/pool.ts'
import { may } from '../access/permissions.ts'
import { findOwnerId } from '../access/users.ts'
import type { PipelineDefinition, PipelineRunStatus, TaskState } from '../job/pipeline.ts'
import { findPipelineRun, findPipelineRuns, listPipelineRunRows, type PipelineRunRow } from '../pipelines/find-runs.ts'
import { definitionOfVersion, tasksOfRun, type TaskRow } from '../pipelines/find-tasks.ts'
import type { StartRun } from '../pipelines/run.ts'
import { waitingReasons } from '../queue/find.ts'
import { known, notFound, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { ownerScope } from './find-jobs.ts'
import { showPipelineRun, type ShownPipelineRun } from './show-pipeline-run.ts'
import { showTasks, type ShownTask } from './show-pipeline-task.ts'

/** By public id or UUID, as the contract has checked it. */
export async function pipelineRunOf(db: Queryable, ask: KnownAsk, id: string): Promise<PipelineRunRow> {
  const row = await findPipelineRun(db, id, ownerScope(ask, 'pipeline_run.read'))
  if (row === null) throw notFound('run')
  return row
}

export async function getPipelineRun(deps: Deps, anyAsk: Ask, id: string): Promise<ShownPipelineRun> {
  return showPipelineRun(await pipelineRunOf(deps.db, known(anyAsk), id), new Date())
}

/** Those of the keys that are runs of pipelines and may be seen, by key. */
export async function showPipelineRuns(
  deps: Deps,
  anyAsk: Ask,
  keys: string[],
): Promise<Map<string, ShownPipelineRun>> {
  const rows = await findPipelineRuns(deps.db, keys, ownerScope(known(anyAsk), 'pipeline_run.read'))
  const now = new Date()
  return new Map(rows.map((row) => [row.key, showPipelineRun(row, now)]))
}

export interface ListPipelineRunsInput {
  pipeline?: string
  status?: PipelineRunStatus[]
  owner?: string
  trigger?: StartRun['trigger'][]
  since?: string
  until?: string
  cursor?: string
  limit: number
}

export async function listPipelineRuns(
  deps: Deps,
  anyAsk: Ask,
  input: ListPipelineRunsInput,
): Promise<{ runs: ShownPipelineRun[]; next_cursor: string | null }> {
  const scope = ownerScope(known(anyAsk), 'pipeline_run.read')
  const owner = input.owner === undefined ? undefined : await findOwnerId(deps.db, input.owner)
  // Another's name looks the same to an operator as a name that nobody has.
  if (owner === null || (scope !== undefined && owner !== undefined && owner !== scope)) {
    return { runs: [], next_cursor: null }
  }
  const { pipeline, status, trigger, since, until } = input
  const filter = {
    ...{ ownerId: scope ?? owner, pipeline, status, trigger },
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
  }
  const { rows, nextCursor } = await listPipelineRunRows(deps.db, filter, input.cursor ?? null, input.limit)
  const now = new Date()
  return { runs: rows.map((row) => showPipelineRun(row, now)), next_cursor: nextCursor }
}

export interface TasksInput {
  id: string
  state?: TaskState[]
  name?: string
  items: boolean
}

export async function pipelineTasks(deps: Deps, anyAsk: Ask, input: TasksInput): Promise<{ tasks: ShownTask[] }> {
  const run = await pipelineRunOf(deps.db, known(anyAsk), input.id)
  const definition = await definitionOfVersion(deps.db, run.versionId)
  const { state, name, items } = input
  const tasks = await shownTasks(deps, run, definition)
  return {
    tasks: tasks.filter(
      (task) =>
        (items || task.item === null) &&
        (name === undefined || (task.name === name && task.item !== null)) &&
        (state === undefined || state.includes(task.state)),
    ),
  }
}

/** So many waiting jobs are explained: the rest waits for the same. */
const explained = 200

async function shownTasks(deps: Deps, run: PipelineRunRow, definition: PipelineDefinition): Promise<ShownTask[]> {
  const rows = await tasksOfRun(deps.db, run.key)
  const waiting = rows.filter(waits).map((row) => row.jobId!)
  const reasons = waiting.length === 0 ? new Map() : await waitingReasons(deps.db, waiting.slice(0, explained))
  const { status, createdAt } = run
  return showTasks(rows, { definition, run: { waits: status === 'waiting', createdAt }, reasons, now: new Date() })
}

const waits = ({ jobState }: TaskRow): boolean =>
  jobState === 'blocked' || jobState === 'scheduled' || jobState === 'queued' || jobState === 'leased'

/** For those who watch one run: looks again and again, and reads its definition once. */
export async function watchedRun(deps: Deps, anyAsk: Ask, id: string) {
  const ask = known(anyAsk)
  const first = await pipelineRunOf(deps.db, ask, id)
  let definition: PipelineDefinition | undefined
  return {
    key: first.key,
    publicId: first.publicId,
    /** Null: it is gone, or may not be seen any more. */
    async look(tasks: boolean): Promise<{ run: ShownPipelineRun; tasks: ShownTask[] } | null> {
      const run = await findPipelineRun(deps.db, first.publicId, ownerScope(ask, 'pipeline_run.read'))
      if (run === null) return null
      if (tasks) definition ??= await definitionOfVersion(deps.db, run.versionId)
      return {
        run: showPipelineRun(run, new Date()),
        tasks: definition === undefined ? [] : await shownTasks(deps, run, definition),
      }
    },
  }
}

/** Whether a run of this owner may be seen; also one that is gone. */
export function maySeePipelineRunOf({ principal }: Ask, ownerId: string): boolean {
  return principal !== null && may(principal, 'pipeline_run.read', { ownerId })
}
