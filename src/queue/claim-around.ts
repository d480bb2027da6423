/** What a claim round looks at beside offers and work, and only when the placement of one of its lanes asks for it. */
import type { Queryable } from '../db/pool.ts'
import type { Strategy } from '../job/placement.ts'
import { isMessage, type Candidate, type PlanLane, type PlanRunner } from './plan-claim.ts'
import { heldNeighbours, looksAtJobs, type Neighbour } from './placement.ts'
import { slotsTaken } from './statements.ts'
import type { RunnerOffer } from './types.ts'

/**
 * So long a job of which a strategy is asked is left to a better runner that does not ask just now: between two requests
 * (some milliseconds) or at another server. The poll of the dispatchers looks again, so it is two at most.
 */
const patienceSeconds = 1

export interface Around {
  candidates: Candidate[]
  neighbours: Neighbour[]
  away: PlanRunner[]
}

export async function lookAround(
  tx: Queryable,
  { lanes, candidates }: { lanes: PlanLane[]; candidates: Candidate[] },
  { offers, strategy }: { offers: RunnerOffer[]; strategy: Strategy | undefined },
): Promise<Around> {
  const ruled = lanes.filter((lane) => looksAtJobs(lane.placement))
  // Spread is what comes of itself when runners ask in turn; to pack, or to spread on purpose, takes a look at them all.
  const slotted = lanes.filter((lane) => !isMessage(lane))
  const chosen = new Set(slotted.filter((l) => (l.placement.strategy ?? strategy) === 'pack' || l.placement.strategy))
  if (ruled.length === 0 && chosen.size === 0) return { candidates, neighbours: [], away: [] }
  const [neighbours, away, waiting] = await Promise.all([
    ruled.length > 0 ? heldBy(tx, [...new Set(ruled.map((lane) => lane.ownerId))]) : [],
    chosen.size > 0 ? awayRunners(tx, offers) : [],
    tx.query<{ id: string; labels: string[] | null; young: boolean }>({
      name: 'queue_claim_candidates',
      text: `select id, labels, state_since > clock_timestamp() - interval '${patienceSeconds} seconds' as young
        from jobs where id = any($1::bigint[])`,
      values: [candidates.map((candidate) => candidate.jobKey)],
    }),
  ])
  const more = new Map(waiting.rows.map((row) => [row.id, row]))
  const patient = new Set([...chosen].map((lane) => lane.laneId))
  return {
    candidates: candidates.map(({ jobKey, laneId }) => {
      const { labels = null, young = false } = more.get(jobKey) ?? {}
      return { jobKey, laneId, labels: labels ?? undefined, patient: young && patient.has(laneId) }
    }),
    neighbours,
    away,
  }
}

async function heldBy(tx: Queryable, owners: string[]): Promise<Neighbour[]> {
  const { rows } = await tx.query<Neighbour>({
    name: 'queue_claim_neighbours',
    text: `select runner_id as "runnerId", owner_id as "ownerId", labels from (${heldNeighbours}) n
      where owner_id = any($1::bigint[])`,
    values: [owners],
  })
  return rows
}

/** Runners that have room and are not in this round. */
async function awayRunners(tx: Queryable, offers: RunnerOffer[]): Promise<PlanRunner[]> {
  const { rows } = await tx.query<PlanRunner>({
    name: 'queue_claim_away',
    text: `
      select r.id as "runnerId", r.labels, r.executors, r.slots - used.n as slots, r.cpu_millis - used.cpu as "cpuMillis",
        r.memory_mib - used.memory as "memoryMib", 0 as messages, '{}'::text[] as channels, true as away,
        jsonb_build_object('slots', r.slots, 'cpuMillis', r.cpu_millis, 'memoryMib', r.memory_mib) as whole
      from runners r cross join lateral (
        select ${slotsTaken} as n, coalesce(sum(l.cpu_millis), 0)::float8 as cpu,
          coalesce(sum(l.memory_mib), 0)::float8 as memory
        from attempts a join jobs j on j.id = a.job_id join lanes l on l.id = j.lane_id
        where a.runner_id = r.id and a.ended_at is null
      ) used
      where r.state = 'online' and r.slots > used.n and r.id <> all($1::bigint[]) order by r.id`,
    values: [offers.map((offer) => offer.runnerId)],
  })
  return rows
}
