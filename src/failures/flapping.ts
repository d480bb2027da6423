/** Events that turn from success to failure and back: each turn is told, and none of them says what is going on. */
import type { Db } from '../db/pool.ts'
import { openIncident, type TellIncidents } from './open-incidents.ts'
import { eventSource } from './source.ts'

/** Of the newest runs of an event. */
export const lookAtRuns = 20
export const turnsThatFlap = 6

interface Flapping {
  eventKey: string
  publicId: string
  ownerId: string
  turns: number
  runs: number
}

/** Opens an incident for each one that flaps and has none; looks at the events that ran within the last day. */
export async function noteFlapping(db: Db, tell: TellIncidents): Promise<number> {
  const { rows } = await db.query<Flapping>({
    name: 'failures_flapping',
    text: `select e.id as "eventKey", e.public_id as "publicId", e.owner_id as "ownerId", f.turns, f.runs
      from events e cross join lateral (
        select count(*) filter (where turned)::int as turns, count(*)::int as runs, max(ended_at) as last from (
          select ended_at, ok <> lag(ok) over (order by id) as turned from (
            select id, ended_at, end_state = 'succeeded' as ok from event_runs r
            where r.event_id = e.id and settled_at is not null and trigger <> 'test'
              and end_state not in ('cancelled', 'skipped')
            order by id desc limit ${lookAtRuns}
          ) newest where ended_at > now() - interval '1 day'
        ) told
      ) f
      where e.status = 'active' and f.turns >= ${turnsThatFlap}
        and not exists (select from incidents i where i.event_id = e.id and i.kind = 'flapping'
          and (i.closed_at is null or i.closed_at > now() - interval '1 hour'))`,
  })
  let opened = 0
  for (const { eventKey, publicId, ownerId, turns, runs } of rows) {
    const incident = {
      ...{ ownerId, source: eventSource(publicId), eventKey, groupKey: null, kind: 'flapping' as const, job: null },
      title: `turned ${turns} times between success and failure within ${runs} runs`,
      text: `Of its last ${runs} runs, ${turns} ended otherwise than the one before.`,
      failures: 0,
    }
    if (await db.tx((tx) => openIncident(tx, incident, tell))) opened++
  }
  return opened
}
