/** Looking at batches. What one may not see does not exist. */
import type { Queryable } from '../db/pool.ts'
import type { BatchWord } from '../job/status-word.ts'
import { publicIdPattern } from '../lib/ids.ts'
import { may } from '../access/permissions.ts'
import { findOwnerId } from '../access/users.ts'
import { listRuns } from '../queue/run-list.ts'
import { testCountsOf } from '../queue/tests.ts'
import { findRun, findRuns, type RunRow } from '../queue/runs.ts'
import { known, notFound, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { ownerScope } from './find-jobs.ts'
import { showBatch, type ShownBatch } from './show-batch.ts'

export async function batchOf(db: Queryable, ask: KnownAsk, id: string): Promise<RunRow> {
  const owner = ownerScope(ask, 'batch.read')
  const row = publicIdPattern.test(id) ? await findRun(db, id, owner) : null
  if (row === null) throw notFound('batch')
  return row
}

export async function getBatch(deps: Deps, anyAsk: Ask, id: string): Promise<ShownBatch> {
  const row = await batchOf(deps.db, known(anyAsk), id)
  const [shown] = await show(deps, [row])
  return shown!
}

/** Of a batch that may be seen. */
export async function batchKey(deps: Deps, anyAsk: Ask, id: string): Promise<string> {
  return (await batchOf(deps.db, known(anyAsk), id)).key
}

/** Those of the keys that may be seen, by key. */
export async function showBatches(deps: Deps, anyAsk: Ask, keys: string[]): Promise<Map<string, ShownBatch>> {
  const rows = await findRuns(deps.db, keys, ownerScope(known(anyAsk), 'batch.read'))
  const shown = await show(deps, rows)
  return new Map(rows.map((row, i) => [row.key, shown[i]!]))
}

export interface ListBatchesInput {
  status?: BatchWord[]
  name?: string
  owner?: string
  since?: string
  until?: string
  rerun_of?: string
  cursor?: string
  limit: number
}

export async function listBatches(
  deps: Deps,
  anyAsk: Ask,
  input: ListBatchesInput,
): Promise<{ batches: ShownBatch[]; next_cursor: string | null }> {
  const scope = ownerScope(known(anyAsk), 'batch.read')
  const owner = input.owner === undefined ? undefined : await findOwnerId(deps.db, input.owner)
  // Another's name looks the same to an operator as a name that nobody has.
  if (owner === null || (scope !== undefined && owner !== undefined && owner !== scope)) {
    return { batches: [], next_cursor: null }
  }
  const filter = {
    ownerId: scope ?? owner,
    status: input.status,
    name: input.name,
    since: input.since === undefined ? undefined : new Date(input.since),
    until: input.until === undefined ? undefined : new Date(input.until),
    rerunOf: input.rerun_of,
  }
  const { rows, nextCursor } = await listRuns(deps.db, filter, input.cursor ?? null, input.limit)
  return { batches: await show(deps, rows), next_cursor: nextCursor }
}

async function show(deps: Deps, rows: RunRow[]): Promise<ShownBatch[]> {
  const now = new Date()
  const tests = await testCountsOf(
    deps.db,
    rows.map((row) => row.key),
  )
  return rows.map((row) => showBatch(row, tests.get(row.key) ?? null, now))
}

/** Whether a batch of this owner may be seen; also one that is gone. */
export function maySeeBatchOf({ principal }: Ask, ownerId: string): boolean {
  return principal !== null && may(principal, 'batch.read', { ownerId })
}
