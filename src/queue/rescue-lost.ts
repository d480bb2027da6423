/** What happens to attempts whose runner went silent: unknown when the lease ends, lost after the grace. */
import type { Db, Queryable } from '../db/pool.ts'
import { endAttempts, lockedColumns, type LockedAttempt } from './end-attempts.ts'
import { notify } from './notify.ts'
import type { AttemptName } from './prune.ts'
import { inTransaction, newLease } from './statements.ts'

const perPass = 1000

/**
 * Seconds without a pass after which all servers or the database must have been away, or the database's clock was set
 * forward. The keeper's bound lies a sixth of lease and grace before the time at which a job is given away; a jump that
 * is not noticed must be smaller than that, or two attempts could live at a time.
 */
const outageSeconds = ({ intervalSeconds, leaseSeconds, graceSeconds }: RescueOptions): number =>
  Math.max(3 * intervalSeconds, Math.min(15, (leaseSeconds + graceSeconds) / 6))

/**
 * Opens a pass. After an outage runners had nobody to renew their leases with, so nothing is reaped for one full lease
 * period (promise 3). Only the database's clock is asked. Where that was set back, leases would end far in the future:
 * they are granted anew from now.
 */
export async function mayReap(db: Queryable, options: RescueOptions): Promise<boolean> {
  const { rows } = await db.query<{ may_reap: boolean }>({
    name: 'queue_may_reap',
    text: `
      with before as (
        select upkeep_seen_at > clock_timestamp() + interval '1 second' as set_back,
          clock_timestamp() - upkeep_seen_at > make_interval(secs => $1::float8) as away
        from installation for update
      ), leases as (
        update attempts set lease_expires_at = ${newLease('$2::float8')} from before
        where before.set_back and ended_at is null and lease_expires_at > ${newLease('$2::float8')}
      ), seen as (
        update runners set last_seen_at = clock_timestamp() from before
        where before.set_back and last_seen_at > clock_timestamp()
      )
      update installation set upkeep_seen_at = clock_timestamp(),
        reap_not_before = case when before.away or before.set_back then ${newLease('$2::float8')}
          else least(reap_not_before, ${newLease('$2::float8')}) end
      from before
      returning reap_not_before <= clock_timestamp() as may_reap`,
    values: [outageSeconds(options), options.leaseSeconds],
  })
  return rows[0]?.may_reap ?? false
}

/** Leases that ran out: the runner is out of contact, its process may well go on. Returns how many. */
export async function markUnknown(db: Db | Queryable): Promise<number> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ public_id: string }>({
      name: 'queue_mark_unknown',
      text: `
        with silent as (
          select j.id, a.number from attempts a join jobs j on j.id = a.job_id
          where a.ended_at is null and a.state in ('leased', 'running') and a.lease_expires_at < clock_timestamp()
          order by j.id limit ${perPass} for update of j, a skip locked
        ), attempt as (
          update attempts a set state = 'unknown' from silent where a.job_id = silent.id and a.number = silent.number
        )
        update jobs j set state = 'unknown', state_since = now()
        from silent where j.id = silent.id and j.state in ('leased', 'running')
        returning j.public_id`,
    })
    await notify(
      tx,
      rows.map((row) => row.public_id),
      false,
    )
    return rows.length
  })
}

/** Attempts that stayed silent for the grace: the keeper has killed them by now, so the job may run again elsewhere. Returns them. */
export async function loseSilent(db: Db | Queryable, options: { graceSeconds: number }): Promise<AttemptName[]> {
  return inTransaction(db, async (tx) => {
    const { rows } = await tx.query<LockedAttempt>({
      name: 'queue_lose_silent',
      text: `
        select 0 as nr, ${lockedColumns}
        from attempts a join jobs j on j.id = a.job_id join runners r on r.id = a.runner_id
        where a.ended_at is null and a.state = 'unknown'
          and a.lease_expires_at + make_interval(secs => $1::float8) < clock_timestamp()
        order by j.id limit ${perPass} for update of j, a skip locked`,
      values: [options.graceSeconds],
    })
    const { changed, work } = await endAttempts(
      tx,
      rows.map((attempt) => ({
        attempt,
        outcome: {
          state: 'lost',
          error_class: 'lost',
          message: `runner ${attempt.runner} went out of contact and did not come back in time`,
        },
        log: null,
      })),
    )
    await notify(tx, changed, work)
    return rows.map((row) => ({ jobKey: row.job_id, number: row.number }))
  })
}

export interface RescueOptions {
  intervalSeconds: number
  leaseSeconds: number
  graceSeconds: number
}

/** One pass: unknown, then lost, then runners that nobody heard of. */
export async function rescueLost(
  db: Db,
  options: RescueOptions,
): Promise<{ unknown: number; lost: AttemptName[]; offline: number }> {
  if (!(await mayReap(db, options)) || !(await isAnySilent(db, options))) return { unknown: 0, lost: [], offline: 0 }
  const unknown = await markUnknown(db)
  const lost = await loseSilent(db, options)
  const offline = await markRunnersOffline(db, options)
  return { unknown, lost, offline }
}

/** One look, so that a pass without anything to do, which is nearly every pass, costs one statement and not seven. */
async function isAnySilent(db: Queryable, { leaseSeconds }: RescueOptions): Promise<boolean> {
  const { rows } = await db.query<{ any: boolean }>({
    name: 'queue_any_silent',
    text: `
      select exists (
        select from attempts where ended_at is null and lease_expires_at < clock_timestamp()
      ) or exists (
        select from runners
        where state <> 'offline' and last_seen_at < clock_timestamp() - make_interval(secs => $1::float8)
      ) as any`,
    values: [leaseSeconds],
  })
  return rows[0]?.any === true
}

export async function markRunnersOffline(db: Queryable, options: { leaseSeconds: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'queue_runners_offline',
    // A row that is locked belongs to a runner that is being heard of right now.
    text: `
      with silent as (
        select id from runners
        where state <> 'offline' and last_seen_at < clock_timestamp() - make_interval(secs => $1::float8)
        for no key update skip locked
      )
      update runners r set state = 'offline' from silent where r.id = silent.id`,
    values: [options.leaseSeconds],
  })
  return rowCount
}
