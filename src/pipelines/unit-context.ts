/** What templates of this step's units are filled in with: the run's variables and what earlier tasks gave out. */
import type { Queryable } from '../db/pool.ts'
import type { TaskDefinition } from '../job/pipeline.ts'
import type { RunRow } from './load-run.ts'
import { templateData, type UnitContext } from './render-task.ts'
import { before, type RunGraph } from './run-graph.ts'

/** Asks the database only when one of the tasks wants outputs or artefacts of others. */
export async function contextsFor(
  tx: Queryable,
  run: RunRow,
  graph: RunGraph,
  positions: readonly number[],
): Promise<{ contextOf(position: number): UnitContext; artifactsFrom(position: number): Record<string, string[]> }> {
  const wanted = new Map(positions.map((position) => [position, outputsWanted(graph, position)]))
  const outputs = await outputsOf(tx, run.key, new Set([...wanted.values()].flat()))
  const jobs = await artifactJobs(tx, run.key, new Set(positions.flatMap((p) => graph.tasks[p]!.artifacts_from)))
  // Thrown where it is used: each task fails of it on its own.
  const data = lazily(() => templateData(run, run.variables, graph.definition))
  return {
    contextOf: (position) => ({
      ...{ run, graph, data: data() },
      output: (task, name) => outputOf(graph, outputs, position, String(task), String(name)),
    }),
    artifactsFrom: (position) =>
      Object.fromEntries(graph.tasks[position]!.artifacts_from.map((name) => [name, jobs.get(name) ?? []])),
  }
}

export const lazily = <T>(make: () => T): (() => T) => {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** Those that it names; all before it when a name is not plain to see. */
function outputsWanted(graph: RunGraph, position: number): string[] {
  const text = JSON.stringify(templatesOf(graph.tasks[position]!))
  const calls = text.match(/\boutput\b/g)?.length ?? 0
  if (calls === 0) return []
  const named = [...text.matchAll(/\boutput\s+(?:\\"((?:[^"\\])*)\\"|`([^`\\]*)`)/g)].map(
    (match) => match[1] ?? match[2]!,
  )
  if (named.length === calls) return named
  return [...before(graph, position)].map((each) => graph.tasks[each]!.name)
}

const templatesOf = ({ script, args, env_from, for_each, pipeline }: TaskDefinition): unknown => [
  script,
  args,
  env_from,
  for_each,
  pipeline?.variables,
]

type Outputs = Map<string, Record<string, unknown>>

async function outputsOf(tx: Queryable, runKey: string, names: ReadonlySet<string>): Promise<Outputs> {
  if (names.size === 0) return new Map()
  const { rows } = await tx.query<{ name: string; outputs: Record<string, unknown> }>({
    name: 'pipelines_outputs',
    text: `select name, outputs from run_tasks
      where run_id = $1 and item = -1 and name = any($2::text[]) and outputs is not null`,
    values: [runKey, [...names]],
  })
  return new Map(rows.map((row) => [row.name, row.outputs]))
}

function outputOf(graph: RunGraph, outputs: Outputs, position: number, task: string, name: string): unknown {
  const from = graph.positions.get(task)
  const own = graph.tasks[position]!.name
  if (from === undefined) throw new Error(`there is no task ${JSON.stringify(task)}`)
  if (!before(graph, position).has(from)) {
    throw new Error(`task ${own} does not wait for task ${task}: add it to depends_on`)
  }
  const given = outputs.get(task) ?? {}
  if (Object.hasOwn(given, name)) return given[name]
  const names = Object.keys(given)
  const has = names.length === 0 ? 'it wrote none to $RUNYARD_OUTPUT' : `it has ${names.join(', ')}`
  throw new Error(`task ${task} has no output ${JSON.stringify(name)}: ${has}`)
}

/** By task; of one that fans out, those of all instances in their order. */
async function artifactJobs(tx: Queryable, runKey: string, names: ReadonlySet<string>): Promise<Map<string, string[]>> {
  if (names.size === 0) return new Map()
  const { rows } = await tx.query<{ name: string; jobs: string[] }>({
    name: 'pipelines_artifact_jobs',
    text: `select name, array_agg(job_id order by item) as jobs from run_tasks
      where run_id = $1 and name = any($2::text[]) and job_id is not null group by name`,
    values: [runKey, [...names]],
  })
  return new Map(rows.map((row) => [row.name, row.jobs]))
}
