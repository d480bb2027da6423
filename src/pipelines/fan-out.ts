/** A task for each of a list: its instances are made when its turn comes, and gathered when all are over. */
import type { Queryable } from '../db/pool.ts'
import { pipelineLimits, type TaskDefinition } from '../job/pipeline.ts'
import { AppError } from '../lib/app-error.ts'
import type { Unit } from './plan.ts'
import { renderAt, type UnitContext } from './render-task.ts'
import { unitWords } from './run-graph.ts'
import { failedUnit, plainEnd, type UnitEnd } from './unit-end.ts'

/** Throws what the task fails of. */
export function listOf(context: UnitContext, { for_each: given }: TaskDefinition): unknown[] {
  const list = typeof given === 'string' ? parsed(renderAt(context, 'for_each', given)) : (given ?? [])
  if (list.length <= pipelineLimits.fanOut) return list
  throw wrong(`has ${list.length} values, at most ${pipelineLimits.fanOut}: split the list over several tasks`)
}

function parsed(text: string): unknown[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrong(`gives no JSON list but ${shortened(text)}: write e.g. {{ toJson .files }}`)
  }
  if (Array.isArray(value)) return value
  throw wrong(`gives no list but ${shortened(text)}`)
}

const wrong = (problem: string): AppError => new AppError('invalid_argument', `for_each ${problem}`)
const shortened = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

export async function expand(tx: Queryable, runKey: string, unit: Unit, name: string, list: unknown[]): Promise<void> {
  // Some may be there: of a run that takes over what an earlier one did.
  await tx.query({
    name: 'pipelines_expand',
    text: `insert into run_tasks (run_id, name, item, position, state, value)
      select $1, $2, nr - 1, $3, 'waiting', value from json_array_elements($4::json) with ordinality as l(value, nr)
      on conflict do nothing`,
    values: [runKey, name, unit.position, JSON.stringify(list)],
  })
}

/** The next of a task's waiting instances. */
export async function nextInstances(
  tx: Queryable,
  runKey: string,
  { position, name, count }: { position: number; name: string; count: number },
): Promise<{ position: number; item: number; value: unknown }[]> {
  const { rows } = await tx.query<{ item: number; value: unknown }>({
    name: 'pipelines_next_instances',
    text: `select item, value from run_tasks where run_id = $1 and name = $2 and item >= 0 and state = 'waiting'
      order by item limit $3`,
    values: [runKey, name, count],
  })
  return rows.map((row) => ({ ...row, position }))
}

export async function sweep(
  tx: Queryable,
  runKey: string,
  { name, state, error }: { name: string; state: 'skipped' | 'cancelled'; error: string | null },
): Promise<void> {
  await tx.query({
    name: 'pipelines_sweep',
    text: `update run_tasks set state = $3, error = $4, ended_at = clock_timestamp()
      where run_id = $1 and name = $2 and item >= 0 and state = 'waiting'`,
    values: [runKey, name, state, error],
  })
}

/** Outputs of all instances of a task. */
const outputBytes = 1024 * 1024

interface Instance {
  item: number
  state: UnitEnd['state']
  exitCode: number | null
  error: string | null
  outputs: Record<string, unknown> | null
}

/** The task's own end, from those of its instances: a list for each name of an output, null where one has none. */
export async function gather(tx: Queryable, runKey: string, task: TaskDefinition): Promise<UnitEnd> {
  const { rows: instances } = await tx.query<Instance & { bytes: number }>({
    name: 'pipelines_gather',
    text: `
      with mine as materialized (
        select *, sum(octet_length(outputs::text)) over () as bytes from run_tasks
        where run_id = $1 and name = $2 and item >= 0
      )
      select item, state, exit_code as "exitCode", case when state = 'failed' then error end as error,
        case when bytes <= ${outputBytes} then outputs end as outputs, coalesce(bytes, 0)::float8 as bytes
      from mine order by item`,
    values: [runKey, task.name],
  })
  const failed = instances.filter(({ state }) => state === 'failed')
  const [first] = failed
  const outputs = lists(instances)
  if (first !== undefined) {
    const words = `${failed.length} of ${instances.length} instances failed; ${unitWords(task.name, first.item)}: ${first.error}`
    return { ...plainEnd('failed', words), exitCode: first.exitCode, outputs }
  }
  const stopped = instances.filter(({ state }) => state === 'cancelled' || state === 'skipped').length
  if (stopped > 0)
    return { ...plainEnd('cancelled', `${stopped} of ${instances.length} instances were stopped`), outputs }
  const bytes = instances[0]?.bytes ?? 0
  if (bytes > outputBytes) {
    return failedUnit(
      task,
      `the outputs of its instances are ${bytes} bytes together, at most ${outputBytes}: keep artefacts instead`,
    )
  }
  return { ...plainEnd('done'), outputs }
}

function lists(instances: readonly Instance[]): Record<string, unknown[]> | null {
  const names = new Set(instances.flatMap(({ outputs }) => Object.keys(outputs ?? {})))
  if (names.size === 0) return null
  return Object.fromEntries([...names].map((name) => [name, instances.map(({ outputs }) => outputs?.[name] ?? null)]))
}
