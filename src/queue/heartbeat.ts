/** Extends leases, and tells each runner which of its attempts to stop: cancelled ones, and those no longer its own. */
import type { Db, Queryable } from '../db/pool.ts'
import { notify } from './notify.ts'
import { inTransaction, newLease, ofRunner } from './statements.ts'
import type { AttemptRef, HeartbeatItem, HeartbeatResult } from './types.ts'

interface Renewed {
  nr: number
  job_id: string
  number: number
  state: string
  cancel_requested: boolean
  cancel_now: boolean
}

export async function heartbeat(
  db: Db | Queryable,
  beats: HeartbeatItem[],
  { leaseSeconds }: { leaseSeconds: number },
): Promise<Map<string, HeartbeatResult>> {
  const refs = beats.flatMap((beat) => beat.held.map((ref) => ({ beat, ref })))
  const answers = new Map<string, HeartbeatResult>()
  for (const beat of beats) answers.set(beat.runnerId, { renewed: [], cancel: [], kill: [], stale: [] })
  if (beats.length === 0) return answers
  await seeRunners(db, beats)

  const { rows } = await db.query<Renewed>({
    name: 'queue_heartbeat',
    text: renewLeases,
    values: [
      JSON.stringify(
        refs.map(({ beat, ref }, nr) => ({
          nr,
          runner_id: beat.runnerId,
          session: beat.session,
          job_id: ref.jobKey,
          number: ref.number,
          token: ref.token,
        })),
      ),
      leaseSeconds,
    ],
  })
  const renewed = new Map(rows.map((row) => [row.nr, row]))
  refs.forEach(({ beat, ref }, nr) => {
    const answer = answers.get(beat.runnerId)!
    const row = renewed.get(nr)
    if (!row) answer.stale.push(ref)
    else answer.renewed.push(ref)
    if (row?.cancel_requested) answer.cancel.push(ref)
    if (row?.cancel_requested && row.cancel_now) answer.kill.push(ref)
  })
  const silent = rows.filter((row) => row.state === 'unknown')
  if (silent.length > 0) await heardAgain(db, silent)
  return answers
}

/** A runner that was thought to be gone is back; one that is draining stays so. */
async function seeRunners(db: Queryable, beats: HeartbeatItem[]): Promise<void> {
  await db.query({
    name: 'queue_runners_seen',
    text: `
      with seen as (
        select r.id from runners r join jsonb_to_recordset($1::jsonb) as b(runner_id bigint, session text)
          on b.runner_id = r.id and b.session = r.session
        order by r.id for no key update of r
      )
      update runners r set last_seen_at = now(), state = case r.state when 'offline' then 'online' else r.state end
      from seen where seen.id = r.id`,
    values: [JSON.stringify(beats.map((b) => ({ runner_id: b.runnerId, session: b.session })))],
  })
}

// Only attempts are locked and written, so the usual heartbeat never waits for a job's row. A lease that ran out but
// was not given away is still the runner's. The later of two heartbeats grants the later end, unless the clock was set
// back in between: then the earlier one, which is why this takes no maximum.
const renewLeases = `
  with mine as (
    select a.job_id, a.number, h.nr
    from jsonb_to_recordset($1::jsonb)
      as h(nr int, runner_id bigint, session text, job_id bigint, number int, token bigint)
    join runners r on r.id = h.runner_id and r.session = h.session
    join attempts a on a.job_id = h.job_id and a.number = h.number and a.token = h.token
      and ${ofRunner('h')}
    where a.ended_at is null
    order by a.job_id for no key update of a
  ), renewed as (
    update attempts a set lease_expires_at = ${newLease('$2')}
    from (select distinct job_id, number from mine) m
    where a.job_id = m.job_id and a.number = m.number and a.ended_at is null
    returning a.job_id, a.number, a.state
  )
  select mine.nr, renewed.*, j.cancel_requested_at is not null as cancel_requested, j.cancel_now
  from mine join renewed using (job_id, number) join jobs j on j.id = mine.job_id`

/** `unknown` ends where it began: running when it had started, else leased. */
async function heardAgain(db: Db | Queryable, attempts: { job_id: string; number: number }[]): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ public_id: string }>({
      name: 'queue_heard_again',
      text: `
        with silent as (
          select j.id, a.number, case when a.started_at is null then 'leased' else 'running' end as state
          from unnest($1::bigint[], $2::int[]) as s(job_id, number)
          join attempts a on a.job_id = s.job_id and a.number = s.number
          join jobs j on j.id = a.job_id
          where j.state = 'unknown' and a.state = 'unknown'
          order by j.id for update of j, a
        ), attempt as (
          update attempts a set state = silent.state from silent where a.job_id = silent.id and a.number = silent.number
        )
        update jobs j set state = silent.state, state_since = now() from silent where j.id = silent.id
        returning j.public_id`,
      values: [attempts.map((a) => a.job_id), attempts.map((a) => a.number)],
    })
    await notify(
      tx,
      rows.map((row) => row.public_id),
      false,
    )
  })
}

/** For messages about an attempt that change no job, such as log chunks: whether the fence still holds, in order. */
export async function stillHeld(
  db: Queryable,
  items: { runnerId: string; session: string; ref: AttemptRef }[],
): Promise<boolean[]> {
  if (items.length === 0) return []
  const { rows } = await db.query<{ nr: number }>({
    name: 'queue_still_held',
    text: `
      select h.nr from jsonb_to_recordset($1::jsonb)
        as h(nr int, runner_id bigint, session text, job_id bigint, number int, token bigint)
      join runners r on r.id = h.runner_id and r.session = h.session
      join attempts a on a.job_id = h.job_id and a.number = h.number and a.token = h.token
        and ${ofRunner('h')} and a.ended_at is null`,
    values: [
      JSON.stringify(
        items.map(({ runnerId, session, ref }, nr) => ({
          nr,
          runner_id: runnerId,
          session,
          job_id: ref.jobKey,
          number: ref.number,
          token: ref.token,
        })),
      ),
    ],
  })
  const found = new Set(rows.map((row) => row.nr))
  return items.map((_, nr) => found.has(nr))
}
