/**
 * Makes message jobs of what the outbox has. The job, the delivery's row and the end of the outbox row are one
 * transaction: a crash in between leaves the outbox row, and nothing else, for the next pass.
 */
import type { Sealer } from '../access/secrets.ts'
import type { Db, Queryable } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import { newPublicId } from '../lib/ids.ts'
import type { Service } from '../lib/service.ts'
import type { Message } from '../job/message.ts'
import { submit } from '../queue/submit.ts'
import { findChannel, openSettings } from './channels.ts'
import { addDelivery, pruneDeliveries } from './deliveries.ts'
import { messageJob } from './message-job.ts'
import { removeOutbox, takeOutbox, type OutboxRow } from './outbox.ts'
import { namedAtMost, phraseBatchEnd, phrasePipelineEnd, type Words } from './phrase.ts'
import { phraseHostKey } from './phrase-host.ts'
import { phraseIncident } from './phrase-incident.ts'
import { phraseScheduleLate } from './phrase-schedule.ts'
import { quietAt } from './quiet.ts'

export interface ReactorParts {
  sealer: Sealer
  /** Where people reach the dashboard. */
  publicUrl: string | undefined
  /** Days that what was not sent is remembered; 0: for ever. */
  retainDays: number
}

/** To be woken when a run has changed. */
export const reacting = 'reactions.react'

export const reactionServices = (db: Db, parts: ReactorParts): Service[] => [
  { name: reacting, every: 2000, runOnce: () => react(db, parts) },
  {
    name: 'reactions.prune_deliveries',
    every: 600_000,
    async runOnce() {
      await pruneDeliveries(db, parts.retainDays)
    },
  },
]

/** One pass over the outbox. A row that cannot be done is told and left; it holds up no other. */
export async function react(db: Db, parts: ReactorParts, now = () => new Date()): Promise<void> {
  let after: string | null = '0'
  while (after !== null) after = await reactToNext(db, parts, after, now())
}

/** The id of the row that it looked at; null when there was none. */
async function reactToNext(db: Db, parts: ReactorParts, after: string, now: Date): Promise<string | null> {
  let row: OutboxRow | null = null
  try {
    await db.tx(async (tx) => {
      row = await takeOutbox(tx, after)
      if (row === null) return
      await deliver(tx, row, parts, now)
      await removeOutbox(tx, row.id)
    })
  } catch (error) {
    const failed = row as OutboxRow | null
    if (failed === null) throw error
    const { about, channel, id } = failed
    emitFact({ name: 'message.not_made', level: 'error', about, channel, error: String(error) })
    return id
  }
  return (row as OutboxRow | null)?.id ?? null
}

async function deliver(tx: Queryable, row: OutboxRow, parts: ReactorParts, now: Date): Promise<void> {
  const { about, channel: name, ownerId } = row
  const words = await wordsOf(tx, row, parts.publicUrl)
  const message: Message = { channel: name, about, delivery_id: newPublicId(), ...words }
  const record = (jobId: string | null, notSent: string | null, heldUntil: Date | null): Promise<boolean> =>
    addDelivery(tx, { message, ownerId, jobId, notSent, heldUntil })

  const channel = await findChannel(tx, name)
  if (channel === null) return void (await record(null, 'the channel was deleted', null))
  if (!channel.enabled) return void (await record(null, 'the channel is disabled', null))
  const quiet = quietAt(now, channel.quiet)
  if ('drop' in quiet) return void (await record(null, 'dropped: it came up in quiet hours', null))
  if ('never' in quiet) return void (await record(null, 'the quiet hours of the channel leave no time to send', null))
  const heldUntil = 'hold' in quiet ? quiet.hold : undefined
  const job = messageJob({ message, settings: openSettings(channel, parts.sealer), sealer: parts.sealer, heldUntil })
  if (!(await record(job.publicId, null, heldUntil ?? null))) return
  await submit(tx, { ownerId, jobs: [job] })
  emitFact({ name: 'message.submitted', level: 'debug', about, channel: name, job: job.publicId })
}

async function wordsOf(
  tx: Queryable,
  { facts, createdAt }: Pick<OutboxRow, 'facts' | 'createdAt'>,
  publicUrl: string | undefined,
): Promise<Words> {
  switch (facts.kind) {
    case 'batch_ended':
      return phraseBatchEnd(facts, await failedJobs(tx, facts.key), publicUrl)
    case 'pipeline_ended':
      return phrasePipelineEnd(facts, await failedTasks(tx, facts.key), publicUrl)
    case 'schedule_late':
      return phraseScheduleLate(facts, createdAt, publicUrl)
    case 'incident':
      return phraseIncident(facts, createdAt, publicUrl)
    case 'host_key':
      return phraseHostKey(facts, createdAt, publicUrl)
  }
}

async function failedTasks(tx: Queryable, runKey: string): Promise<string[]> {
  const { rows } = await tx.query<{ name: string }>(
    `select name from run_tasks where run_id = $1 and item = -1 and state = 'failed'
     order by position limit ${namedAtMost + 1}`,
    [runKey],
  )
  return rows.map((row) => row.name)
}

async function failedJobs(tx: Queryable, runKey: string): Promise<string[]> {
  const { rows } = await tx.query<{ name: string }>(
    `select name from jobs where run_id = $1 and state in ('failed', 'timed_out', 'oom_killed', 'lost')
     order by run_index limit ${namedAtMost}`,
    [runKey],
  )
  return rows.map((row) => row.name)
}
