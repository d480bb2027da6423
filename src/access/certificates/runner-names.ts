/** Certificates of runners by name: a name belongs to one machine. */
import type { Queryable } from '../../db/pool.ts'
import { AppError } from '../../lib/app-error.ts'

/** First of a pair of numbers; the second is the name's. */
const runnerNameLock = 7_281

/** Until the transaction ends nobody else gives that name away. */
export async function lockRunnerName(tx: Queryable, name: string): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1, hashtext($2))', [runnerNameLock, name])
}

export async function runnerCertificates(db: Queryable, name: string): Promise<{ holding: number; lastHour: number }> {
  const { rows } = await db.query<{ holding: number; lastHour: number }>(
    `select count(*) filter (where revoked_at is null and not_after > clock_timestamp())::int as holding,
       count(*) filter (where created_at > clock_timestamp() - interval '1 hour')::int as "lastHour"
     from certificates where name = $1 and role = 'runner'`,
    [name],
  )
  return rows[0]!
}

/** It could not register under that name while the server's own runner has it: better to hear of it before the token is spent. */
export async function refuseNameOfLocalRunner(db: Queryable, name: string): Promise<void> {
  const { rowCount } = await db.query(
    `select from runners where name = $1 and certificate_id is null and state <> 'offline'`,
    [name],
  )
  if (rowCount === 0) return
  const message = `is that of the runner on the server's own machine: take another`
  throw new AppError('conflict', `name ${message}`, { fields: [{ field: 'name', message }] })
}
