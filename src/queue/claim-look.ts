/** The two reads of every claim round: what the runners have left, and the first jobs of the lanes that are open to them. */
import type { Queryable } from '../db/pool.ts'
import type { Candidate, PlanLane, PlanRunner } from './plan-claim.ts'
import { heldNeighbours, ruleAllows, ruleOfLane, type PlacementRules } from './placement.ts'
import { countsForOwner, held, rateTokens, slotsTaken } from './statements.ts'
import type { RunnerOffer } from './types.ts'

/** A job that fits nobody for this long gets a runner emptied for it. */
const reserveAfterSeconds = 60
/** Lanes looked into per round, those whose turn is next; what is left comes in the next round, which follows at once. */
const lanesPerRound = 256

export interface OfferRow {
  runner_id: string
  state: string
  labels: string[]
  executors: string[]
  slots: number
  cpu_millis: number
  memory_mib: number
  slots_left: number
  /** Of the messages that it holds, which take no slot. */
  channels: (string | null)[]
  cpu_left: number
  memory_left: number
  /** Leases that the runner did not name and never reported a start of: the answer to its claim got lost. */
  undelivered: number
}

/** Only runners whose session still holds. What is left is counted from leases, so a slot cannot leak. */
export async function lookAtOffers(tx: Queryable, offers: RunnerOffer[]): Promise<OfferRow[]> {
  const { rows } = await tx.query<OfferRow>({
    name: 'queue_claim_offers',
    text: `
      select r.id as runner_id, r.state, r.labels, r.executors, r.slots, r.cpu_millis, r.memory_mib,
        r.slots - used.n as slots_left,
        r.cpu_millis - used.cpu as cpu_left, r.memory_mib - used.memory as memory_left, used.undelivered, used.channels
      from jsonb_to_recordset($1::jsonb) as o(runner_id bigint, session text, tokens jsonb)
      join runners r on r.id = o.runner_id and r.session = o.session
      cross join lateral (
        select ${slotsTaken} as n, coalesce(sum(l.cpu_millis), 0)::float8 as cpu,
          coalesce(sum(l.memory_mib), 0)::float8 as memory,
          coalesce(array_agg(l.placement->>'channel') filter (where l.executor = 'message'), '{}') as channels,
          count(*) filter (where a.started_at is null and not o.tokens ? a.token::text)::int as undelivered
        from attempts a join jobs j on j.id = a.job_id join lanes l on l.id = j.lane_id
        where a.runner_id = r.id and a.ended_at is null
      ) used
      order by r.id`,
    values: [
      JSON.stringify(
        offers.map((o) => ({ runner_id: o.runnerId, session: o.session, tokens: o.held.map((ref) => ref.token) })),
      ),
    ],
  })
  return rows
}

interface WorkRow {
  id: string
  lane_id: string
  queue_id: string
  owner_id: string
  executor: string
  required_labels: string[]
  cpu_millis: number
  memory_mib: number
  /** Null for most: nothing to parse. */
  placement: PlacementRules | null
  queue_room: number
  owner_room: number
  owner_held: number
  last_start: number
  reserve: string | null
}

export async function lookAtWork(
  tx: Queryable,
  runners: readonly Pick<PlanRunner, 'runnerId' | 'slots' | 'messages' | 'cpuMillis' | 'memoryMib'>[],
): Promise<{ lanes: PlanLane[]; candidates: Candidate[] }> {
  const all = (of: 'slots' | 'messages'): number => runners.reduce((sum, runner) => sum + Math.max(0, runner[of]), 0)
  const [slots, messages] = [all('slots'), all('messages')]
  const { rows } = await tx.query<WorkRow>({
    name: 'queue_claim_work',
    text: openWork,
    values: [
      JSON.stringify(
        runners.map((r) => ({
          runner_id: r.runnerId,
          slots: r.slots,
          messages: r.messages,
          cpu: Math.floor(r.cpuMillis),
          memory: Math.floor(r.memoryMib),
        })),
      ),
      slots,
      2 * (slots + messages) + lanesPerRound,
      messages,
    ],
  })
  const lanes = new Map<string, PlanLane>()
  for (const row of rows) {
    if (lanes.has(row.lane_id)) continue
    lanes.set(row.lane_id, {
      laneId: row.lane_id,
      queueId: row.queue_id,
      ownerId: row.owner_id,
      executor: row.executor,
      requiredLabels: row.required_labels,
      cpuMillis: row.cpu_millis,
      memoryMib: row.memory_mib,
      placement: row.placement ?? {},
      queueRoom: row.queue_room,
      ownerRoom: row.owner_room,
      ownerHeld: row.owner_held,
      lastStart: row.last_start,
      reserve: row.reserve,
    })
  }
  return { lanes: [...lanes.values()], candidates: rows.map((row) => ({ jobKey: row.id, laneId: row.lane_id })) }
}

/*
 * Nothing here reads more of `jobs` than the held ones and the first few of each open lane. The limits cut where the turns
 * of `plan-turns.ts` would be the latest if all fitted. The first n jobs of a user are in the first n of their lanes, so of
 * the lane in place p the first n - p + 1 will do.
 */
const openWork = `
  with offers as materialized (
    select r.id, r.labels, r.executors, o.slots, o.messages, o.cpu, o.memory
    from jsonb_to_recordset($1::jsonb) as o(runner_id bigint, slots int, messages int, cpu int8, memory int8)
    join runners r on r.id = o.runner_id
  ), held_by as materialized (
    select queue_id, owner_id, count(*)::int as n from jobs where state in ${held} group by queue_id, owner_id
  ), neighbours as materialized (${heldNeighbours}
  ), neighbour_labels as materialized (
    select distinct owner_id, unnest(labels) as label from neighbours
  ), queue_room as materialized (
    select q.id, floor(least(q.concurrency - coalesce(h.n, 0), ${rateTokens('q')}, 1000000))::int as room
    from queues q left join (select queue_id, sum(n)::int as n from held_by group by queue_id) h on h.queue_id = q.id
    where not q.paused
  ), owner_use as materialized (
    select owner_id, sum(n)::int as n from held_by where ${countsForOwner('queue_id')} group by owner_id
  ), open_lanes as materialized (
    select l.*, rule.*, q.room as queue_room, u.max_running - coalesce(h.n, 0) as owner_room,
      coalesce(here.n, 0) as owner_held, coalesce(turn.last_token, 0)::float8 as last_start, fit.now
    from lanes l
    join queue_room q on q.id = l.queue_id and q.room > 0
    join users u on u.id = l.owner_id
    left join owner_use h on h.owner_id = l.owner_id
    left join held_by here on here.queue_id = l.queue_id and here.owner_id = l.owner_id
    left join queue_turns turn on turn.queue_id = l.queue_id and turn.owner_id = l.owner_id
    cross join lateral (${ruleOfLane}) rule
    cross join lateral (
      select bool_or(l.executor = 'message' or o.cpu >= l.cpu_millis and o.memory >= l.memory_mib) as now from offers o
      where l.required_labels <@ o.labels and l.executor = any(o.executors)
        and case when l.executor = 'message' then o.messages > 0 else o.slots > 0 end
        and ${ruleAllows('rule', { id: 'o.id', labels: 'o.labels' })}
    ) fit
    where fit.now is not null and (u.max_running > coalesce(h.n, 0) or l.executor = 'message')
  ), heads as materialized (
    select l.*, head.rank, row_number() over (partition by l.queue_id, l.owner_id order by head.rank) as place
    from open_lanes l
    cross join lateral (
      select rank, state_since from jobs where lane_id = l.id and state = 'queued' order by rank, id limit 1
    ) head
    where l.now or head.state_since < clock_timestamp() - interval '${reserveAfterSeconds} seconds'
  ), first_lanes as materialized (
    select l.*, case when not l.now then (
        select min(r.id) from runners r
        where r.state = 'online' and l.required_labels <@ r.labels and l.executor = any(r.executors)
          and r.slots > 0 and r.cpu_millis >= l.cpu_millis and r.memory_mib >= l.memory_mib
          and ${ruleAllows('l', { id: 'r.id', labels: 'r.labels' })}
      ) end as reserve
    from (
      select *, row_number() over turns as nr, first_value(owner_held) over turns as fewest
      from heads window turns as (partition by queue_id order by owner_held + place, last_start, rank)
      order by nr, rank limit ${lanesPerRound}
    ) l
  ), waiting as (
    select c.id, c.rank, l.id as lane_id,
      l.owner_held - l.fewest + row_number() over (partition by l.queue_id, l.owner_id order by c.rank, c.id) as turn
    from first_lanes l
    cross join lateral (
      select id, rank from jobs where lane_id = l.id and state = 'queued' order by rank, id
      limit case when l.executor = 'message' then greatest(least($4::int, l.queue_room) - l.place + 1, 1)
        when l.now then greatest(least($2::int, l.queue_room, l.owner_room) - l.place + 1, 1) else 1 end
    ) c
    order by turn, rank, id limit $3::int
  )
  select c.id, c.lane_id, l.queue_id, l.owner_id, l.executor, l.required_labels, l.cpu_millis, l.memory_mib,
    case when not l.free then l.placement end as placement, l.queue_room, l.owner_room, l.owner_held, l.last_start,
    l.reserve
  from waiting c join first_lanes l on l.id = c.lane_id order by c.rank, c.id`
