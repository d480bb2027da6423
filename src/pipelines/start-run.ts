/** The one way in for a run: decided under the pipeline's lock, so that several servers agree. */
import { pipelineLimits } from '../job/pipeline.ts'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { newPublicId } from '../lib/ids.ts'
import { claimKey } from '../queue/idempotency.ts'
import { admit, nextToStart, type Admission } from './admission.ts'
import { admitNext, lockRuns, variablesOf, type LockedRuns } from './admission-lock.ts'
import { advanceRun } from './advance.ts'
import { mergeVariables } from './merge-variables.ts'
import { checkNesting } from './nesting.ts'
import { makeRun } from './new-run.ts'
import type { PipelineHooks, StartedRun, StartRun, Variables } from './run.ts'
import { askToStop, endWaiting } from './stop-runs.ts'

/**
 * Starts it, or puts it on the waiting list, replacing others there as the pipeline says; refused, it was never there. Once
 * per idempotency key, and once per task of a parent.
 */
export async function startRun(tx: Queryable, hooks: PipelineHooks, input: StartRun): Promise<StartedRun> {
  const publicId = newPublicId()
  const earlier =
    input.idempotency && (await claimKey(tx, input.ownerId, input.idempotency, { jobs: [], run: publicId }))
  if (earlier) return replay(tx, earlier.run)
  const locked = await lockRuns(tx, input.pipeline.pipelineId)
  const child = input.parent && (await startedBefore(tx, { parent: input.parent }))
  if (child) return child
  if (!locked || locked.gone) {
    throw new AppError('failed_precondition', `pipeline ${input.pipeline.name} is gone: its file or it was removed`)
  }
  await checkNesting(tx, input, locked.rules.concurrency)
  const open = await admitNext(tx, locked, nextToStart(locked.rules, locked, locked.now))
  const decided = admit(open.rules, open, input.queuePartition, open.now)
  if (decided.act === 'refuse') {
    throw new AppError('failed_precondition', `pipeline ${open.name} takes no run now: ${decided.reason}`)
  }
  return make(tx, hooks, { publicId, input, open, decided })
}

interface Decided {
  publicId: string
  input: StartRun
  open: LockedRuns
  decided: Exclude<Admission, { act: 'refuse' }>
}

async function make(
  tx: Queryable,
  hooks: PipelineHooks,
  { publicId, input, open, decided }: Decided,
): Promise<StartedRun> {
  const waits = decided.act === 'wait' ? decided : null
  const variables = await variablesFor(tx, input, open, waits?.replaces ?? [])
  const replaced = await endWaiting(tx, hooks, waits?.replaces ?? [], `replaced by run ${publicId}`)
  const { runKey, uuid } = await makeRun(tx, {
    publicId,
    start: input,
    variables,
    state: waits ? 'waiting' : 'running',
    now: open.now,
    notBefore: waits && waits.dueAt > open.now ? waits.dueAt : null,
  })
  const started = { runKey, publicId, uuid, replayed: false }
  if (!waits) {
    // What is left to start of it, runs of other pipelines, is found by whoever hears of it.
    const { ended } = await advanceRun(tx, hooks, runKey)
    return { ...started, state: ended ? 'ended' : 'running', replaced: null }
  }
  await askToStop(tx, waits.interrupts, `interrupted by run ${publicId}`)
  const last = replaced.find((run) => run.key === waits.replaces.at(-1))
  return { ...started, state: 'waiting', replaced: last?.publicId ?? null }
}

/** What is run again keeps its own: what is taken over was made with them. */
async function variablesFor(
  tx: Queryable,
  { variables, rerun }: StartRun,
  { rules, name }: LockedRuns,
  replaces: readonly string[],
): Promise<Variables> {
  if (replaces.length === 0 || rules.variables === 'replace' || rerun) return variables
  const older = await variablesOf(tx, replaces)
  const merged = [...older.slice(1), variables].reduce(
    (sum, next) => mergeVariables(rules.variables, sum, next),
    older[0]!,
  )
  if (Buffer.byteLength(JSON.stringify(merged)) > pipelineLimits.variablesBytes) {
    const most = `${pipelineLimits.variablesBytes / 1024} KiB`
    throw new AppError(
      'failed_precondition',
      `with those of the waiting run of ${name} (variables: ${rules.variables}) the variables exceed ${most}; try again when it has started`,
    )
  }
  return merged
}

async function replay(tx: Queryable, run: string | null): Promise<StartedRun> {
  const earlier = await startedBefore(tx, { run })
  if (earlier) return earlier
  throw new AppError('not_found', 'the run that was started with this Idempotency-Key was deleted; use a new key')
}

/** Null: there is none, or it was deleted. */
async function startedBefore(
  tx: Queryable,
  { run, parent }: { run?: string | null; parent?: StartRun['parent'] },
): Promise<StartedRun | null> {
  const { rows } = await tx.query<Omit<StartedRun, 'replaced' | 'replayed'>>(
    `select r.id as "runKey", r.public_id as "publicId", pr.uuid, pr.state
     from pipeline_runs pr join runs r on r.id = pr.run_id
     where ${parent ? 'pr.parent_run_id = $1 and pr.parent_task = $2 and pr.parent_item = $3' : 'r.public_id = $1'}`,
    parent ? [parent.runKey, parent.task, parent.item] : [run],
  )
  return rows[0] ? { ...rows[0], replaced: null, replayed: true } : null
}
