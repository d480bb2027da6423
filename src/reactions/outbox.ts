/** What is to be told, written in the transaction of what happened: it stands or falls with it. */
import type { Queryable } from '../db/pool.ts'
import { runStatus, type RunCounts } from '../job/run-status.ts'
import type { EndedRun } from '../queue/run-settle.ts'
import type { NotifyRule } from '../queue/runs.ts'
import type { HostKeyAlarm } from './phrase-host.ts'
import type { IncidentChanged } from './phrase-incident.ts'
import type { ScheduleLate } from './phrase-schedule.ts'

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

export interface PipelineEnded {
  kind: 'pipeline_ended'
  /** Internal number, for a look at its tasks. */
  key: string
  id: string
  pipeline: string
  status: 'succeeded' | 'failed' | 'cancelled'
  /** What it failed of. */
  last_error: string | null
  created_at: string
  started_at: string | null
  ended_at: string
}

export type Facts = BatchEnded | PipelineEnded | ScheduleLate | IncidentChanged | HostKeyAlarm

export interface OutboxRow {
  id: string
  about: string
  channel: string
  ownerId: string
  facts: Facts
  createdAt: Date
}

/** One row for each ended run and channel that wants to know of such an end, however often the channel is named. */
export const noteRunsEnded = (tx: Queryable, runs: readonly EndedRun[]): Promise<void> =>
  noteAll(
    tx,
    runs.map((run) => {
      const facts = factsOf(run)
      return { about: `batch:${run.publicId}`, ownerId: run.ownerId, notify: run.notify, facts, word: facts.status }
    }),
  )

/** As the engine of pipelines has them. */
export interface EndedPipeline {
  key: string
  publicId: string
  ownerId: string
  pipeline: string
  result: PipelineEnded['status']
  lastError: string | null
  notify: NotifyRule[]
  createdAt: Date
  startedAt: Date | null
  endedAt: Date
}

/** `passed` is what rules of batches and pipelines alike call a good end. */
export const notePipelineRunsEnded = (tx: Queryable, runs: readonly EndedPipeline[]): Promise<void> =>
  noteAll(
    tx,
    runs.map(({ ownerId, notify, ...run }) => ({
      ...{ about: `pipeline_run:${run.publicId}`, ownerId, notify },
      word: run.result === 'succeeded' ? 'passed' : run.result,
      facts: {
        ...{ kind: 'pipeline_ended', key: run.key, id: run.publicId, pipeline: run.pipeline, status: run.result },
        last_error: run.lastError,
        created_at: run.createdAt.toISOString(),
        started_at: run.startedAt?.toISOString() ?? null,
        ended_at: run.endedAt.toISOString(),
      },
    })),
  )

export interface LateSchedule {
  schedule: Omit<ScheduleLate, 'kind'>
  ownerId: string
  notify: readonly NotifyRule[]
}

/** Once for each tick, to whoever wants to know of a failure. */
export const noteSchedulesLate = (tx: Queryable, late: readonly LateSchedule[]): Promise<void> =>
  noteAll(
    tx,
    late.map(({ schedule, ...to }) => ({
      ...to,
      about: `schedule:${schedule.id}:${schedule.tick}`,
      facts: { kind: 'schedule_late', ...schedule },
      word: 'failed',
    })),
  )

export interface ChangedIncident {
  about: string
  ownerId: string
  channels: readonly string[]
  incident: Omit<IncidentChanged, 'kind'>
}

/** Once for each `about`, to all that are named. */
export const noteIncidents = (tx: Queryable, changed: readonly ChangedIncident[]): Promise<void> =>
  noteAll(
    tx,
    changed.map(({ about, ownerId, channels, incident }) => ({
      ...{ about, ownerId, facts: { kind: 'incident', ...incident }, word: 'failed' },
      notify: channels.map((channel) => ({ channel, on: ['failed'] })),
    })),
  )

export interface HostAlarm {
  ownerId: string
  channels: readonly string[]
  alarm: Omit<HostKeyAlarm, 'kind'>
}

/** Once for each time that it began, to all that are named. */
export const noteHostAlarm = (tx: Queryable, { ownerId, channels, alarm }: HostAlarm): Promise<void> =>
  noteAll(tx, [
    {
      ...{ about: `host:${alarm.host}:${alarm.at}`, ownerId, facts: { kind: 'host_key', ...alarm }, word: 'failed' },
      notify: channels.map((channel) => ({ channel, on: ['failed'] })),
    },
  ])

interface Note {
  about: string
  ownerId: string
  notify: readonly NotifyRule[]
  facts: Facts
  word: Exclude<NotifyRule['on'][number], 'ended'>
}

async function noteAll(tx: Queryable, notes: readonly Note[]): Promise<void> {
  const rows = notes.flatMap(({ about, ownerId, notify, facts, word }) => {
    const wanted = notify.filter(({ on }) => on.includes('ended') || on.includes(word))
    const channels = [...new Set(wanted.map(({ channel }) => channel))]
    return channels.map((channel) => ({ about, channel, owner_id: ownerId, facts }))
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
