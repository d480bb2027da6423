/** One use of an idempotency key: the same body gives what the first call made, another body is refused. */
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'

/** Hours that an idempotency key is kept (promise 1). */
export const idempotencyHours = 24

export interface Idempotency {
  key: string
  bodyHash: Buffer
}

/** Public ids. */
export interface MadeOnce {
  jobs: string[]
  run: string | null
}

/** Takes the key for this call; what the first call made when it was taken with the same body. */
export async function claimKey(
  tx: Queryable,
  ownerId: string,
  { key, bodyHash }: Idempotency,
  made: MadeOnce,
): Promise<MadeOnce | null> {
  // Waits for a concurrent call with the same key to commit or roll back, so exactly one of the two makes jobs.
  const taken = await tx.query(
    `insert into idempotency_keys as k (owner_id, key, body_hash, job_ids, run_id) values ($1, $2, $3, $4, $5)
     on conflict (owner_id, key) do update
       set body_hash = excluded.body_hash, job_ids = excluded.job_ids, run_id = excluded.run_id, created_at = now()
       where k.created_at < now() - make_interval(hours => ${idempotencyHours})
     returning 1`,
    [ownerId, key, bodyHash, made.jobs, made.run],
  )
  if (taken.rowCount === 1) return null
  const earlier = await madeWith(tx, ownerId, { key, bodyHash })
  if (earlier) return earlier
  throw new AppError('unavailable', 'the Idempotency-Key was released just now; try again')
}

/** What was made with the key; null when it is free. */
export async function madeWith(
  db: Queryable,
  ownerId: string,
  { key, bodyHash }: Idempotency,
): Promise<MadeOnce | null> {
  const { rows } = await db.query<{ body_hash: Buffer; job_ids: string[]; run_id: string | null }>(
    `select body_hash, job_ids, run_id from idempotency_keys
     where owner_id = $1 and key = $2 and created_at >= now() - make_interval(hours => ${idempotencyHours})`,
    [ownerId, key],
  )
  const [row] = rows
  if (!row) return null
  if (row.body_hash.equals(bodyHash)) return { jobs: row.job_ids, run: row.run_id }
  throw new AppError('conflict', 'this Idempotency-Key was used with another request body; use a new key', {
    fields: [{ field: 'Idempotency-Key', message: 'was used with another request body' }],
  })
}
