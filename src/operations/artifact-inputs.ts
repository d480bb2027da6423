/** Whose artefacts a new job may read: those of jobs of the same owner. */
import type { Queryable } from '../db/pool.ts'
import type { JobSpec } from '../job/spec.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import type { KnownAsk } from './deps.ts'

/** Throws `invalid_argument` that names each job which is not there or somebody else's. */
export async function checkArtifactsFrom(
  db: Queryable,
  ask: KnownAsk,
  specs: readonly Specs[],
  prefix: (i: number) => string,
  /** Of what is run again: what was theirs may be read again. */
  earlierOwner?: string,
): Promise<void> {
  const problems = await artifactProblems(db, ask, specs, prefix, earlierOwner)
  const [first] = problems
  if (first === undefined) return
  throw new AppError('invalid_argument', `${first.field}: ${first.message}`, { fields: problems.slice(0, 100) })
}

type Specs = Pick<JobSpec, 'artifacts_from'>

export async function artifactProblems(
  db: Queryable,
  { principal }: KnownAsk,
  specs: readonly Specs[],
  prefix: (i: number) => string,
  earlierOwner?: string,
): Promise<FieldProblem[]> {
  const named = specs.flatMap((spec, i) =>
    Object.entries(spec.artifacts_from ?? {}).flatMap(([directory, jobs]) =>
      jobs.map((job, k) => ({ job, field: `${prefix(i)}artifacts_from.${directory}[${k}]` })),
    ),
  )
  if (named.length === 0) return []
  const { rows } = await db.query<{ id: string }>({
    name: 'artifacts_owned',
    text: 'select public_id as id from jobs where public_id = any($1::text[]) and owner_id = any($2::bigint[])',
    values: [[...new Set(named.map(({ job }) => job))], [principal.userId, earlierOwner ?? null]],
  })
  const own = new Set(rows.map(({ id }) => id))
  return named
    .filter(({ job }) => !own.has(job))
    .map(({ job, field }) => ({ field, message: `there is no job ${job} of yours` }))
}
