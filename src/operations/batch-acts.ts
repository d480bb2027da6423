/** What becomes of a batch by somebody's will: cancelled, declared complete, deleted. */
import { may, type Action } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { cancelMembers, requestRunCancel } from '../queue/run-cancel.ts'
import { settleRuns } from '../queue/run-settle.ts'
import { removeRunStep, type RunRow } from '../queue/runs.ts'
import { audited } from './audited.ts'
import { known, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { batchOf, getBatch } from './find-batches.ts'
import type { ShownBatch } from './show-batch.ts'

export interface CancelBatchInput {
  id: string
  reason?: string
  force?: boolean
}

export async function cancelBatch(
  deps: Deps,
  anyAsk: Ask,
  input: CancelBatchInput,
): Promise<{ batch: ShownBatch; cancelled: number; stopping: number }> {
  const ask = known(anyAsk)
  const row = await request(deps, ask, { ...input, action: 'batch.cancel' })
  const sum = await cancelMembers(deps.db, row.key, { reason: reasonOf(ask, input), force: input.force })
  await settleRuns(deps.db, [row.key], deps.runsEnded)
  return { batch: await getBatch(deps, ask, input.id), ...sum }
}

/** It ends now; those of its jobs that run are being killed. */
export async function completeBatch(
  deps: Deps,
  anyAsk: Ask,
  input: { id: string; reason?: string },
): Promise<ShownBatch> {
  const ask = known(anyAsk)
  const row = await request(deps, ask, { ...input, action: 'batch.complete' })
  await cancelMembers(deps.db, row.key, { reason: reasonOf(ask, input), force: true })
  await settleRuns(deps.db, [row.key], deps.runsEnded)
  return getBatch(deps, ask, input.id)
}

const reasonOf = (ask: KnownAsk, { reason }: { reason?: string }): string =>
  reason ?? `its batch was cancelled by ${ask.principal.username}`

/** Written down and audited before the first member hears of it: a crash after that stops nothing half-way. */
function request(
  deps: Deps,
  ask: KnownAsk,
  { action, id, reason, force }: CancelBatchInput & { action: 'batch.cancel' | 'batch.complete' },
): Promise<RunRow> {
  return audited(deps, ask, { action, target: `batch:${id}` }, async (tx, note) => {
    const row = await mayActOn(tx, ask, id, action)
    const complete = action === 'batch.complete'
    if (!(await requestRunCancel(tx, row.key, { complete }))) {
      throw new AppError('conflict', `batch ${id} has already ended`)
    }
    const { waiting, running } = row.counts
    note({ waiting, running, ...(force && { force }), ...(reason !== undefined && { reason }) })
    return row
  })
}

/** Ended ones only, with their jobs and logs. */
export async function deleteBatch(deps: Deps, anyAsk: Ask, id: string): Promise<void> {
  const ask = known(anyAsk)
  const removeLogs = deps.logPlaces.remove.bind(deps.logPlaces)
  const first = await audited(deps, ask, { action: 'batch.delete', target: `batch:${id}` }, async (tx, note) => {
    const row = await mayActOn(tx, ask, id, 'batch.delete')
    if (row.endedAt === null) {
      throw new AppError('conflict', `batch ${id} has not ended; cancel it first and delete it when it has ended`)
    }
    note({ name: row.name, jobs: row.size })
    return { row, ...(await removeRunStep(tx, row, removeLogs)) }
  })
  // The same delete, which has its row: a crash in between leaves a batch with fewer jobs, to be deleted again.
  for (let { more } = first; more;) ({ more } = await removeRunStep(deps.db, first.row, removeLogs))
}

async function mayActOn(tx: Queryable, ask: KnownAsk, id: string, action: Action): Promise<RunRow> {
  const verb = action.split('.')[1]
  // Before the look: to whom it is refused for every batch, it is refused for one that is not there.
  if (!may(ask.principal, action)) {
    throw refusal(ask, action, `your role (${ask.principal.role}) may not ${verb} batches`)
  }
  const row = await batchOf(tx, ask, id)
  if (!may(ask.principal, action, { ownerId: row.ownerId })) {
    throw new AppError('permission_denied', `only the owner or an administrator may ${verb} this batch`)
  }
  return row
}
