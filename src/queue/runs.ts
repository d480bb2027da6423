/**
 * Runs as they are made, found and removed. A batch's jobs come with it, in one transaction; those of a pipeline's run are
 * submitted as their turn comes (`pipelines/`), which keeps more about it beside its row. Batches are all that is found here.
 */
import type { Db, Queryable } from '../db/pool.ts'
import type { RunCounts } from '../job/run-status.ts'
import { AppError } from '../lib/app-error.ts'
import { claimKey, type Idempotency } from './idempotency.ts'
import { doomedAttempts, type DoomedAttempt } from './prune.ts'
import { countsOfRun } from './run-counts.ts'
import { tellRun, tellRunGone, type GoneRun, type RunKind } from './run-notices.ts'
import { inTransaction, terminal } from './statements.ts'
import { submit } from './submit.ts'
import type { NewJob } from './types.ts'

/** Who is told of a run's end. */
export interface NotifyRule {
  channel: string
  on: ('ended' | 'failed' | 'passed' | 'cancelled')[]
}

export interface NewRun {
  publicId: string
  name: string
  description: string | null
  template: string | null
  rerunOf: string | null
  notify: NotifyRule[]
}

export interface SubmitRunInput {
  ownerId: string
  run: NewRun
  /** At least one. */
  jobs: NewJob[]
  idempotency?: Idempotency
  fieldPrefix?: (index: number) => string
}

/** The run and all of its jobs, or nothing; once per idempotency key. */
export async function submitRun(
  tx: Queryable,
  { ownerId, run, jobs, idempotency, fieldPrefix }: SubmitRunInput,
): Promise<{ publicId: string; replayed: boolean }> {
  const earlier = idempotency && (await claimKey(tx, ownerId, idempotency, { jobs: [], run: run.publicId }))
  if (earlier) return { publicId: earlier.run!, replayed: true }
  const runKey = await insertRun(tx, { kind: 'batch', ownerId, run, size: jobs.length })
  await submit(tx, { ownerId, jobs, runKey, fieldPrefix })
  return { publicId: run.publicId, replayed: false }
}

/** Its row only; told of when the transaction commits. Returns the key. */
export async function insertRun(
  tx: Queryable,
  { kind, ownerId, run, size }: { kind: RunKind; ownerId: string; run: NewRun; size: number },
): Promise<string> {
  const { rows } = await tx.query<{ id: string }>({
    name: 'queue_new_run',
    // A start of a pipeline may have waited for its turn since the transaction began.
    text: `insert into runs (public_id, kind, owner_id, name, description, size, rerun_of, template, notify, created_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp()) returning id`,
    values: [
      run.publicId,
      kind,
      ownerId,
      run.name,
      run.description,
      size,
      run.rerunOf,
      run.template,
      JSON.stringify(run.notify),
    ],
  })
  const runKey = rows[0]!.id
  await tellRun(tx, runKey)
  return runKey
}

export interface RunRow extends NewRun {
  kind: RunKind
  key: string
  ownerId: string
  /** Username. */
  owner: string
  size: number
  createdAt: Date
  startedAt: Date | null
  endedAt: Date | null
  forcedAt: Date | null
  cancelRequestedAt: Date | null
  counts: RunCounts
}

export const runColumns = `r.id as key, r.public_id as "publicId", r.kind, r.owner_id as "ownerId", u.username as owner, r.name,
  r.description, r.size, r.created_at as "createdAt", r.started_at as "startedAt", r.ended_at as "endedAt",
  r.forced_at as "forcedAt", r.cancel_requested_at as "cancelRequestedAt", r.rerun_of as "rerunOf", r.template,
  r.notify, to_jsonb(c) as counts`
/** The counters are read for each row. */
export const runTables = `runs r join users u on u.id = r.owner_id cross join lateral ${countsOfRun('r.id')} c`

/** Null when it is not there, or belongs to another than the owner. */
export async function findRun(db: Queryable, publicId: string, ownerId?: string): Promise<RunRow | null> {
  const { rows } = await db.query<RunRow>({
    name: 'queue_find_run',
    text: `select ${runColumns} from ${runTables}
      where r.public_id = $1 and r.kind = 'batch' and ($2::bigint is null or r.owner_id = $2)`,
    values: [publicId, ownerId ?? null],
  })
  return rows[0] ?? null
}

/** Those that are there and belong to the owner, in no promised order. */
export async function findRuns(db: Queryable, keys: readonly string[], ownerId?: string): Promise<RunRow[]> {
  const { rows } = await db.query<RunRow>({
    name: 'queue_find_runs',
    text: `select ${runColumns} from ${runTables}
      where r.id = any($1::bigint[]) and r.kind = 'batch' and ($2::bigint is null or r.owner_id = $2)`,
    values: [keys, ownerId ?? null],
  })
  return rows
}

/** A member as a new run repeats it. */
export interface Member {
  publicId: string
  state: string
  spec: NewJob['spec']
  envSealed: Buffer | null
}

/** In the order in which they were submitted; `failed`: those that ended otherwise than well. */
export async function membersOf(db: Queryable, runKey: string, only: 'all' | 'failed'): Promise<Member[]> {
  const { rows } = await db.query<Member>(
    `select public_id as "publicId", state, spec, env_sealed as "envSealed" from jobs
     where run_id = $1 and ($2 = 'all' or (state in ${terminal} and state <> 'succeeded')) order by run_index`,
    [runKey, only],
  )
  return rows
}

/** Jobs of one transaction of a delete. */
const removeAtOnce = 500

/**
 * Removes the next members of an ended run, and the run with the last of them: call again until `more` is false. The logs
 * go before the rows: after a crash in between the next call finds the rows again.
 */
export async function removeRunStep(
  db: Db | Queryable,
  run: GoneRun,
  removeLogs: (tx: Queryable, attempts: DoomedAttempt[]) => Promise<void>,
  atOnce = removeAtOnce,
): Promise<{ removed: number; more: boolean }> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ id: string; last_attempt: number; over: boolean }>(
      `select id, last_attempt, state in ${terminal} as over from jobs where run_id = $1
       order by id limit $2 for update`,
      [run.key, atOnce],
    )
    if (rows.some((row) => !row.over)) {
      const what = run.kind === 'batch' ? 'batch' : 'pipeline run'
      throw new AppError(
        'conflict',
        `jobs of ${what} ${run.publicId} are still being stopped; delete it when they ended`,
      )
    }
    if (rows.length > 0) {
      await removeLogs(tx, await doomedAttempts(tx, rows))
      await tx.query('delete from jobs where id = any($1::bigint[])', [rows.map((row) => row.id)])
    }
    const more = rows.length === atOnce
    if (!more) await removeRun(tx, run)
    return { removed: rows.length, more }
  })
}

/** The deltas go first: whoever folds them at this moment holds the run's row for as long as that takes. */
async function removeRun(tx: Queryable, run: GoneRun): Promise<void> {
  await tx.query('delete from run_count_deltas where run_id = $1', [run.key])
  await tx.query('delete from runs where id = $1', [run.key])
  await tellRunGone(tx, run)
}

/** Of a run without jobs, where jobs have no limit of age. */
const defaultRetainDays = 30
const pruneRunsAtOnce = 500

/** Ended batches whose jobs are all gone and that are older than jobs may become. Returns how many went. */
export async function pruneRuns(db: Db, retainDays: number): Promise<number> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<GoneRun>(
      `select id as key, public_id as "publicId", owner_id as "ownerId", kind from runs r
       where kind = 'batch' and ended_at < now() - make_interval(secs => $1::float8 * 86400)
         and not exists (select from jobs where run_id = r.id)
       order by id limit ${pruneRunsAtOnce} for update skip locked`,
      [retainDays > 0 ? retainDays : defaultRetainDays],
    )
    for (const run of rows) await removeRun(tx, run)
    return rows.length
  })
}
