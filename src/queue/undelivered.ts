import type { Queryable } from '../db/pool.ts'
import { withMemory } from '../job/memory-growth.ts'
import type { ClaimedJob, RunnerOffer } from './types.ts'

export interface Undelivered {
  runnerId: string
  job: ClaimedJob
  cancelRequested: boolean
  cpuMillis: number
  memoryMib: number
}

/**
 * Leases that the runner does not know of. Only attempts that were leased before the runner asked and never reported a
 * start count: what started is the runner's to report, and to start it again would run it twice.
 */
export async function undelivered(db: Queryable, offers: RunnerOffer[]): Promise<Undelivered[]> {
  const { rows } = await db.query<{
    runner_id: string
    job_id: string
    number: number
    token: string
    public_id: string
    spec: ClaimedJob['spec']
    env_sealed: Buffer | null
    owner_id: string
    cancel_requested: boolean
    cpu_millis: number
    memory_mib: number
    memory_bytes: string | null
  }>({
    name: 'queue_undelivered',
    text: `
      select a.runner_id, a.job_id, a.number, a.token, j.public_id, j.spec, j.env_sealed, j.owner_id,
        j.cancel_requested_at is not null as cancel_requested,
        l.cpu_millis, l.memory_mib, j.memory_bytes
      from jsonb_to_recordset($1::jsonb) as o(runner_id bigint, session text, tokens jsonb)
      join runners r on r.id = o.runner_id and r.session = o.session and r.state = 'online'
      join attempts a on a.runner_id = o.runner_id and a.ended_at is null and a.started_at is null
      join jobs j on j.id = a.job_id
      join lanes l on l.id = j.lane_id
      where not o.tokens ? a.token::text
      order by a.job_id`,
    values: [
      JSON.stringify(
        offers.map((o) => ({
          runner_id: o.runnerId,
          session: o.session,
          tokens: o.held.map((ref) => ref.token),
        })),
      ),
    ],
  })
  return rows.map((row) => ({
    runnerId: row.runner_id,
    cancelRequested: row.cancel_requested,
    cpuMillis: row.cpu_millis,
    memoryMib: row.memory_mib,
    job: {
      jobKey: row.job_id,
      number: row.number,
      token: row.token,
      publicId: row.public_id,
      spec: withMemory(row.spec, row.memory_bytes),
      envSealed: row.env_sealed,
      ownerId: row.owner_id,
    },
  }))
}
