/** The early end of a certificate. It holds from the commit on; open sessions are told. */
import type { Queryable } from '../../db/pool.ts'
import { tellAccess } from '../access-changes.ts'

/** False: there is none, or it was revoked before. */
export async function revokeCertificate(db: Queryable, input: { id: string; reason?: string }): Promise<boolean> {
  const { rows } = await db.query<{ revoked: boolean }>(
    `with changed as (
       update certificates set revoked_at = clock_timestamp(), revoke_reason = $2
       where id = $1 and revoked_at is null returning id
     ), ${tellAccess}
     select count(*) > 0 as revoked from told`,
    [input.id, input.reason ?? null],
  )
  return rows[0]!.revoked
}

/** Those of an account. Returns how many held. */
export async function revokeCertificatesOf(tx: Queryable, input: { userId: string; reason: string }): Promise<number> {
  const { rows } = await tx.query<{ revoked: number }>(
    `with changed as (
       update certificates set revoked_at = clock_timestamp(), revoke_reason = $2
       where user_id = $1 and revoked_at is null and not_after > now() returning id
     ), ${tellAccess}
     select count(*)::int as revoked from changed where exists (select from told)`,
    [input.userId, input.reason],
  )
  return rows[0]!.revoked
}

/** Those of runners of that name, e.g. because its machine is enrolled anew. Returns how many held. */
export async function revokeRunners(tx: Queryable, input: { name: string; reason: string }): Promise<number> {
  const { rows } = await tx.query<{ revoked: number }>(
    `with changed as (
       update certificates set revoked_at = clock_timestamp(), revoke_reason = $2
       where name = $1 and role = 'runner' and revoked_at is null and not_after > now() returning id
     ), ${tellAccess}
     select count(*)::int as revoked from changed where exists (select from told)`,
    [input.name, input.reason],
  )
  return rows[0]!.revoked
}

/** Runner tokens for that name that nobody has used: another takes their place. Returns how many held. */
export async function revokeEnrolments(tx: Queryable, input: { name: string; reason: string }): Promise<number> {
  const { rows } = await tx.query<{ revoked: number }>(
    `with changed as (
       update certificates set revoked_at = clock_timestamp(), revoke_reason = $2
       where name = $1 and role = 'enrol' and spent_at is null and revoked_at is null and not_after > now() returning id
     ), ${tellAccess}
     select count(*)::int as revoked from changed where exists (select from told)`,
    [input.name, input.reason],
  )
  return rows[0]!.revoked
}

/**
 * True for one caller, once: whoever enrols with it. The other servers are not told, because the answer to this very
 * session must still get out; whoever comes with it again is refused.
 */
export async function spendEnrolment(tx: Queryable, certificateId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update certificates set spent_at = clock_timestamp()
     where id = $1 and role = 'enrol' and spent_at is null and revoked_at is null and not_after > clock_timestamp()`,
    [certificateId],
  )
  return rowCount === 1
}
