/**
 * The slow-down of one account, whatever addresses the wrong passwords come from. It holds for names that nobody has too
 * and says nothing about which exist. Whoever signs in from where they did before does not feel it, so that a stranger
 * cannot keep somebody out; and a session or token that is there already goes on.
 */
import type { Queryable } from '../db/pool.ts'
import type { Service } from '../lib/service.ts'

/** Wrong passwords in a row that cost nothing. */
export const freeFailures = 10
/** The wait after them; each further wrong password doubles it. */
export const firstWaitSeconds = 30
/** With it a guesser has 12 tries in an hour. */
export const longestWaitSeconds = 300
/** After so long without a wrong password they are forgotten. */
export const forgetAfterMinutes = 60
/** Of one account: enough for an office, a home and a phone. */
const keptAddresses = 20
const addressDays = 90

/** Seconds until a password is looked at again; 0: now. */
export async function lockedSeconds(db: Queryable, username: string, address: string): Promise<number> {
  const { rows } = await db.query<{ seconds: number }>(
    `select extract(epoch from f.locked_until - clock_timestamp())::float8 as seconds from sign_in_failures f
     where f.name = lower($1) and f.locked_until > clock_timestamp() and not exists (
       select from sign_in_addresses a join users u on u.id = a.user_id
       where lower(u.username) = lower($1) and a.address = $2 and a.last_at > now() - interval '${addressDays} days')`,
    [username, address],
  )
  return Math.ceil(rows[0]?.seconds ?? 0)
}

/** A wrong password. Returns for how long the account is locked now. */
export async function noteFailure(db: Queryable, username: string): Promise<number> {
  const failures = `case when f.last_at < now() - interval '${forgetAfterMinutes} minutes' then 1 else f.failures + 1 end`
  const { rows } = await db.query<{ failures: number }>(
    `insert into sign_in_failures as f (name, failures, last_at) values (lower($1), 1, now())
     on conflict (name) do update set failures = ${failures}, last_at = now() returning failures`,
    [username],
  )
  const wait = waitAfter(rows[0]!.failures)
  if (wait > 0) {
    await db.query(
      `update sign_in_failures set locked_until = clock_timestamp() + make_interval(secs => $2) where name = lower($1)`,
      [username, wait],
    )
  }
  return wait
}

/** Seconds after so many wrong passwords in a row. */
export function waitAfter(failures: number): number {
  if (failures < freeFailures) return 0
  return Math.min(longestWaitSeconds, firstWaitSeconds * 2 ** (failures - freeFailures))
}

/** The right password: the count begins anew, and this address is known from now on. */
export async function noteSuccess(
  db: Queryable,
  user: { id: string; username: string },
  address: string,
): Promise<void> {
  await unlock(db, user.username)
  if (address === '') return
  await db.query(
    `insert into sign_in_addresses (user_id, address) values ($1, $2)
     on conflict (user_id, address) do update set last_at = now()`,
    [user.id, address],
  )
  await db.query(
    `delete from sign_in_addresses where user_id = $1 and address not in (
       select address from sign_in_addresses where user_id = $1 order by last_at desc limit ${keptAddresses})`,
    [user.id],
  )
}

export async function unlock(db: Queryable, username: string): Promise<void> {
  await db.query('delete from sign_in_failures where name = lower($1)', [username])
}

/** What no longer counts. */
export async function forgetOldFailures(db: Queryable): Promise<void> {
  await db.query(
    `delete from sign_in_failures where last_at < now() - interval '${forgetAfterMinutes} minutes'
       and (locked_until is null or locked_until < now())`,
  )
  await db.query(`delete from sign_in_addresses where last_at < now() - interval '${addressDays} days'`)
  await db.query('delete from password_resets where expires_at < now()')
}

export const forgetfulness = (db: Queryable): Service => ({
  name: 'access.forget_failures',
  every: 600_000,
  runOnce: () => forgetOldFailures(db),
})
