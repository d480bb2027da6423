/** The two reads of every claim round: what the runners have left, and the first jobs of the lanes that are open to them. */
import type { Queryable } from '../db/pool.ts'
import type { Candidate, PlanLane, PlanRunner } from './plan-claim.ts'
import { heldNeighbours, ruleAllows, ruleOfLane, type PlacementRules } from './placement.ts'
import { held, rateTokens } from './statements.ts'
import type { RunnerOffer } from './types.ts'

/** A job that fits nobody for this long gets a runner emptied for it. */
const reserveAfterSeconds = 60
/** Lanes looked into per round, those with the first ranks; what is left comes in the next round, which follows at once. */
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
        r.cpu_millis - used.cpu as cpu_left, r.memory_mib - used.memory as memory_left, used.undelivered
      from jsonb_to_recordset($1::jsonb) as o(runner_id bigint, session text, tokens jsonb)
      join runners r on r.id = o.runner_id and r.session = o.session
      cross join lateral (
        select count(*)::int as n, coalesce(sum(l.cpu_millis), 0)::float8 as cpu,
          coalesce(sum(l.memory_mib), 0)::float8 as memory,
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
  reserve: string | null
}

export async function lookAtWork(
  tx: Queryable,
  runners: readonly Pick<PlanRunner, 'runnerId' | 'slots' | 'cpuMillis' | 'memoryMib'>[],
): Promise<{ lanes: PlanLane[]; candidates: Candidate[] }> {
  const slots = Math.max(
    0,
    runners.reduce((sum, runner) => sum + runner.slots, 0),
  )
  const { rows } = await tx.query<WorkRow>({
    name: 'queue_claim_work',
    text: openWork,
    values: [
      JSON.stringify(
        runners.map((r) => ({ runner_id: r.runnerId, cpu: Math.floor(r.cpuMillis), memory: Math.floor(r.memoryMib) })),
      ),
      slots,
      2 * slots + lanesPerRound,
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
      reserve: row.reserve,
    })
  }
  return { lanes: [...lanes.values()], candidates: rows.map((row) => ({ jobKey: row.id, laneId: row.lane_id })) }
}

// Nothing here reads more of `jobs` than the held ones and the first few of each open lane.
const openWork = `
  with offers as materialized (
    select r.id, r.labels, r.executors, o.cpu, o.memory
    from jsonb_to_recordset($1::jsonb) as o(runner_id bigint, cpu int8, memory int8) join runners r on r.id = o.runner_id
  ), held_jobs as materialized (
    select queue_id, owner_id from jobs where state in ${held}
  ), neighbours as materialized (${heldNeighbours}
  ), neighbour_labels as materialized (
    select distinct owner_id, unnest(labels) as label from neighbours
  ), queue_room as materialized (
    select q.id, floor(least(q.concurrency - coalesce(h.n, 0), ${rateTokens('q')}, 1000000))::int as room
    from queues q left join (select queue_id, count(*)::int as n from held_jobs group by queue_id) h on h.queue_id = q.id
    where not q.paused
  ), owner_use as materialized (
    select owner_id, count(*)::int as n from held_jobs group by owner_id
  ), open_lanes as materialized (
    select l.*, rule.*, q.room as queue_room, u.max_running - coalesce(h.n, 0) as owner_room, fit.now
    from lanes l
    join queue_room q on q.id = l.queue_id and q.room > 0
    join users u on u.id = l.owner_id
    left join owner_use h on h.owner_id = l.owner_id
    cross join lateral (${ruleOfLane}) rule
    cross join lateral (
      select bool_or(o.cpu >= l.cpu_millis and o.memory >= l.memory_mib) as now from offers o
      where l.required_labels <@ o.labels and l.executor = any(o.executors)
        and ${ruleAllows('rule', { id: 'o.id', labels: 'o.labels' })}
    ) fit
    where fit.now is not null and u.max_running > coalesce(h.n, 0)
  ), first_lanes as materialized (
    select l.*, case when not l.now then (
        select min(r.id) from runners r
        where r.state = 'online' and l.required_labels <@ r.labels and l.executor = any(r.executors)
          and r.slots > 0 and r.cpu_millis >= l.cpu_millis and r.memory_mib >= l.memory_mib
          and ${ruleAllows('l', { id: 'r.id', labels: 'r.labels' })}
      ) end as reserve
    from open_lanes l
    cross join lateral (
      select rank, state_since from jobs where lane_id = l.id and state = 'queued' order by rank, id limit 1
    ) head
    where l.now or head.state_since < clock_timestamp() - interval '${reserveAfterSeconds} seconds'
    order by head.rank limit ${lanesPerRound}
  )
  select c.id, l.id as lane_id, l.queue_id, l.owner_id, l.executor, l.required_labels, l.cpu_millis, l.memory_mib,
    case when not l.free then l.placement end as placement, l.queue_room, l.owner_room, l.reserve
  from first_lanes l
  cross join lateral (
    select id, rank from jobs where lane_id = l.id and state = 'queued'
    order by rank, id limit case when l.now then least($2::int, l.queue_room, l.owner_room) else 1 end
  ) c
  order by c.rank, c.id limit $3::int`
