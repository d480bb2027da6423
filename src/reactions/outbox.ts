/** What is to be told, written in the transaction of what happened: it stands or falls with it. */
import type { Queryable } from '../db/pool.ts'
import { runStatus, type RunCounts } from '../job/run-status.ts'
import type { EndedRun } from '../queue/run-settle.ts'

/** What happened, for the words of the message; times are ISO 8601. */
export interface BatchEnded {
  kind: 'batch_ended'
  /** Internal number, for a look at its jobs. */
  key: string
  id: string
  name: string
  status: 'passed' | 'failed' | 'cancelled'
  counts: RunCounts
  forced: boolean
  created_at: string
  started_at: string | null
  ended_at: string
}

export interface OutboxRow {
  id: string
  about: string
  channel: string
  ownerId: string
  facts: BatchEnded
  createdAt: Date
}

/** One row for each ended run and channel that wants to know of such an end, however often the channel is named. */
export async function noteRunsEnded(tx: Queryable, runs: readonly EndedRun[]): Promise<void> {
  const rows = runs.flatMap((run) => {
    const facts = factsOf(run)
    const wanted = run.notify.filter(({ on }) => on.includes('ended') || on.includes(facts.status))
    return [...new Set(wanted.map(({ channel }) => channel))].map((channel) => ({
      about: `batch:${run.publicId}`,
      channel,
      owner_id: run.ownerId,
      facts,
    }))
  })
  if (rows.length === 0) return
  await tx.query({
    name: 'outbox_note',
    text: `insert into outbox (about, channel, owner_id, facts)
      select about, channel, owner_id, facts
      from jsonb_to_recordset($1::jsonb) as r(about text, channel text, owner_id bigint, facts jsonb)
      on conflict (about, channel) do nothing`,
    values: [JSON.stringify(rows)],
  })
}

function factsOf(run: EndedRun): BatchEnded {
  return {
    kind: 'batch_ended',
    key: run.key,
    id: run.publicId,
    name: run.name,
    status: runStatus(run.counts, true) as BatchEnded['status'],
    counts: run.counts,
    forced: run.forced,
    created_at: run.createdAt.toISOString(),
    started_at: run.startedAt?.toISOString() ?? null,
    ended_at: run.endedAt.toISOString(),
  }
}

/** The oldest after `after` that nobody else has in hand; locked until the transaction ends. */
export async function takeOutbox(tx: Queryable, after: string): Promise<OutboxRow | null> {
  const { rows } = await tx.query<OutboxRow>({
    name: 'outbox_take',
    text: `select id, about, channel, owner_id as "ownerId", facts, created_at as "createdAt"
      from outbox where id > $1 order by id limit 1 for update skip locked`,
    values: [after],
  })
  return rows[0] ?? null
}

export const removeOutbox = (tx: Queryable, id: string): Promise<unknown> =>
  tx.query({ name: 'outbox_remove', text: 'delete from outbox where id = $1', values: [id] })
