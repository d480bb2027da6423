import type { Queryable } from '../db/pool.ts'
import { explainWaiting, type RunnerRoom, type WaitingJob, type WaitingReason } from './explain-waiting.ts'
import { heldNeighbours, looksAtJobs, type Neighbour } from './placement.ts'
import { countsForOwner, held, rateTokens, slotsTaken, terminal, waiting } from './statements.ts'

export type { WaitingReason } from './explain-waiting.ts'

/** For each of these jobs that has not begun: why. Others are not in the answer. */
export async function waitingReasons(db: Queryable, publicIds: string[]): Promise<Map<string, WaitingReason>> {
  const jobs = await db.query<WaitingJob & { publicId: string }>({
    name: 'queue_waiting_jobs',
    text: waitingJobs,
    values: [publicIds],
  })
  if (jobs.rows.length === 0) return new Map()
  const online = await db.query<RunnerRoom>({ name: 'queue_runner_room', text: runnerRoom })
  const neighbours = await neighboursOf(db, jobs.rows)
  return new Map(jobs.rows.map((job) => [job.publicId, explainWaiting(job, online.rows, neighbours)]))
}

/** Only for jobs whose rules speak of others. */
async function neighboursOf(db: Queryable, jobs: WaitingJob[]): Promise<(Neighbour & { runner: string })[]> {
  const owners = [...new Set(jobs.filter((job) => looksAtJobs(job.placement)).map((job) => job.ownerId))]
  if (owners.length === 0) return []
  const { rows } = await db.query<Neighbour & { runner: string }>({
    name: 'queue_waiting_neighbours',
    text: `select n.runner_id as "runnerId", r.name as runner, n.owner_id as "ownerId", n.labels
      from (${heldNeighbours}) n join runners r on r.id = n.runner_id where n.owner_id = any($1::bigint[])`,
    values: [owners],
  })
  return rows
}

const waitingJobs = `
  with asked as materialized (
    select * from jobs where public_id = any($1::text[]) and (state in ${waiting} or state = 'leased')
  ), held_jobs as materialized (
    select queue_id, owner_id, ${countsForOwner('queue_id')} as of_owner from jobs where state in ${held}
  )
  select j.public_id as "publicId", j.state,
    case when j.state = 'leased' then (select r.name from attempts a join runners r on r.id = a.runner_id
      where a.job_id = j.id and a.number = j.last_attempt) end as runner,
    j.blockers_left as "blockersLeft", j.not_before as "notBefore",
    j.scheduled_for as "scheduledFor", j.attempts_spent as "attemptsSpent", j.max_attempts as "maxAttempts",
    array(
      select d.public_id from job_dependencies jd join jobs d on d.id = jd.depends_on_id
      where jd.job_id = j.id and j.state = 'blocked' and d.state not in ${terminal} order by d.id limit 3
    ) as "openDependencies",
    q.name as queue, q.paused as "queuePaused", q.concurrency as "queueConcurrency", ${rateTokens('q')} as "queueTokens",
    (select count(*)::int from held_jobs h where h.queue_id = j.queue_id) as "queueHeld",
    u.username as owner, j.owner_id as "ownerId", u.max_running as "ownerMaxRunning",
    (select count(*)::int from held_jobs h where h.owner_id = j.owner_id and h.of_owner) as "ownerHeld",
    l.executor, l.required_labels as "requiredLabels",
    case when j.spec->>'profile' = 'project' then j.spec->>'working_dir' end as project, l.cpu_millis as "cpuMillis", l.memory_mib as "memoryMib",
    l.placement
  from asked j join queues q on q.id = j.queue_id join users u on u.id = j.owner_id join lanes l on l.id = j.lane_id`

const runnerRoom = `
  select r.id as "runnerId", r.name, r.facilities->'inputs' as inputs, r.facilities->'load' as load, r.labels, r.executors, r.slots, r.cpu_millis as "cpuMillis", r.memory_mib as "memoryMib",
    r.slots - used.n as "slotsLeft", r.cpu_millis - used.cpu as "cpuLeft", r.memory_mib - used.memory as "memoryLeft", used.channels
  from runners r cross join lateral (
    select ${slotsTaken} as n, coalesce(sum(l.cpu_millis), 0)::float8 as cpu,
      coalesce(sum(l.memory_mib), 0)::float8 as memory,
      coalesce(array_agg(l.placement->>'channel') filter (where l.executor = 'message'), '{}') as channels
    from attempts a join jobs j on j.id = a.job_id join lanes l on l.id = j.lane_id
    where a.runner_id = r.id and a.ended_at is null
  ) used
  where r.state = 'online'`
