/** What a new job must wait for, and the lock that keeps its dependencies from ending unseen in the meantime. */
import type { Queryable } from '../db/pool.ts'
import { skippedFor, type JobOutcome } from '../job/outcome.ts'
import { isTerminal, type JobState } from '../job/state.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import type { NewJob } from './types.ts'

export interface Dependency {
  id: string
  state: JobState
}

/**
 * The jobs outside this call that its jobs depend on, by public id. They stay locked against ending until commit: a
 * dependency either ended before (and is seen here as ended) or ends after (and its end sees our edge).
 */
export async function lockDependencies(
  tx: Queryable,
  ownerId: string,
  jobs: NewJob[],
  prefix: (index: number) => string,
): Promise<Map<string, Dependency>> {
  const place = new Map(jobs.map((job, i) => [job.publicId, i]))
  const outside = new Set(jobs.flatMap((job) => job.spec.depends_on ?? []).filter((id) => !place.has(id)))
  const found = new Map<string, Dependency>()
  if (outside.size > 0) {
    const { rows } = await tx.query<{ id: string; public_id: string; state: JobState }>(
      `select id, public_id, state from jobs where public_id = any($1::text[]) and owner_id = $2
       order by id for key share`,
      [[...outside], ownerId],
    )
    for (const row of rows) found.set(row.public_id, { id: row.id, state: row.state })
  }
  const problems: FieldProblem[] = jobs.flatMap((job, i) =>
    (job.spec.depends_on ?? []).flatMap((id, n) => {
      const field = `${prefix(i)}depends_on[${n}]`
      const inside = place.get(id)
      if (inside === undefined) return found.has(id) ? [] : [{ field, message: `there is no job ${id}` }]
      return inside < i ? [] : [{ field, message: `job ${id} must come before the jobs that depend on it` }]
    }),
  )
  if (problems.length > 0) throw new AppError('not_found', problems[0]!.message, { fields: problems.slice(0, 100) })
  return found
}

export interface FirstState {
  state: 'ready' | 'blocked' | 'skipped'
  blockers: number
  /** Of a skipped one. */
  outcome?: JobOutcome
}

/** The state a job is born in. Jobs come after those they depend on, so one pass is enough. */
export function firstStates(jobs: NewJob[], outside: Map<string, Dependency>): FirstState[] {
  const born = new Map<string, FirstState['state']>()
  return jobs.map((job) => {
    const dependencies = [...new Set(job.spec.depends_on)].map((publicId) => ({
      publicId,
      state: born.get(publicId) ?? outside.get(publicId)!.state,
    }))
    const ended = (state: JobState | 'ready'): boolean => state !== 'ready' && isTerminal(state)
    const failed = dependencies.find(({ state }) => ended(state) && state !== 'succeeded')
    const blockers = dependencies.filter(({ state }) => !ended(state)).length
    const skip = failed !== undefined && job.spec.on_dependency_failure !== 'run'
    const state = skip ? 'skipped' : blockers > 0 ? 'blocked' : 'ready'
    born.set(job.publicId, state)
    if (skip) return { state, blockers: 0, outcome: skippedFor(failed) }
    return { state, blockers: state === 'blocked' ? blockers : 0 }
  })
}

export function dependencyEdges(
  jobs: NewJob[],
  outside: Map<string, Dependency>,
  keys: Map<string, string>,
): { jobs: string[]; dependsOn: string[] } {
  const edges: { jobs: string[]; dependsOn: string[] } = { jobs: [], dependsOn: [] }
  for (const job of jobs) {
    for (const id of new Set(job.spec.depends_on)) {
      edges.jobs.push(keys.get(job.publicId)!)
      edges.dependsOn.push(keys.get(id) ?? outside.get(id)!.id)
    }
  }
  return edges
}
