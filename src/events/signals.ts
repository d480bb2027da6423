/** Ends that events wait for: written in the transaction of the end, taken by whoever begins the event. */
import type { Queryable } from '../db/pool.ts'
import type { JobState } from '../job/state.ts'

export interface EndedEventRun {
  publicId: string
  /** `events.id`. */
  eventKey: string
  state: JobState
}

/** In the transaction that settles the run. Jobs are noted by the trigger `count_jobs`. */
export async function signalEventEnded(tx: Queryable, run: EndedEventRun): Promise<void> {
  await tx.query({
    name: 'events_signal_event',
    text: `insert into event_signals (event_id, kind, source, state)
      select event_id, 'event', $2, $3 from event_after
      where source_event_id = $1 and ${wordFor('$3')} = any (on_states) on conflict do nothing`,
    values: [run.eventKey, run.publicId, run.state],
  })
}

export interface EndedPipelineRun {
  publicId: string
  pipeline: string
  result: 'succeeded' | 'failed' | 'cancelled'
}

/** In the transaction that ends the runs. */
export async function signalPipelinesEnded(tx: Queryable, runs: readonly EndedPipelineRun[]): Promise<void> {
  await tx.query({
    name: 'events_signal_pipelines',
    text: `insert into event_signals (event_id, kind, source, state)
      select a.event_id, 'pipeline', r.id, r.result
      from unnest($1::text[], $2::text[], $3::text[]) as r(id, pipeline, result)
      join event_after a on a.pipeline = r.pipeline and r.result = any (a.on_states) on conflict do nothing`,
    values: [runs.map((run) => run.publicId), runs.map((run) => run.pipeline), runs.map((run) => run.result)],
  })
}

export interface Signal {
  id: string
  eventKey: string
  kind: 'event' | 'pipeline' | 'job'
  /** Public id of what ended. */
  source: string
  state: string
}

/** Those to be taken now, oldest first; nothing is locked. */
export async function dueSignals(db: Queryable, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'events_due_signals',
    text: 'select id from event_signals where look_at <= clock_timestamp() order by look_at, id limit $1',
    values: [limit],
  })
  return rows.map((row) => row.id)
}

/** Removes it and locks its event, which comes first as in everything that begins runs. Null: somebody else has it. */
export async function takeSignal(tx: Queryable, id: string): Promise<Signal | null> {
  await tx.query({
    name: 'events_lock_signalled',
    text: 'select from events where id = (select event_id from event_signals where id = $1) for no key update',
    values: [id],
  })
  const { rows } = await tx.query<Signal>({
    name: 'events_take_signal',
    text: `delete from event_signals where id = (select id from event_signals where id = $1 for update skip locked)
      returning id, event_id as "eventKey", kind, source, state`,
    values: [id],
  })
  return rows[0] ?? null
}

export async function putOffSignal(db: Queryable, id: string, seconds: number): Promise<void> {
  await db.query('update event_signals set look_at = clock_timestamp() + make_interval(secs => $2) where id = $1', [
    ...[id, seconds],
  ])
}

/** The run of an event that led to a job or to a run of a pipeline. */
export interface Origin {
  depth: number
  /** Public id of the first of the chain. */
  root: string
  /** It is this very run of an event, and a test. */
  test: boolean
}

/** Null: no event led to it. Through actions, parents of sub-pipelines, and tasks, so that no loop gets around the depth. */
export async function originOf(tx: Queryable, publicId: string): Promise<Origin | null> {
  const { rows } = await tx.query<Origin>({
    name: 'events_origin',
    text: `with recursive up as (
        select id, public_id from runs
        where public_id = $1 or id = (select run_id from jobs where public_id = $1)
        union
        select r.id, r.public_id from up join pipeline_runs p on p.run_id = up.id join runs r on r.id = p.parent_run_id
      ), made as (
        select array_agg(id) as ids from (select $1 as id union select public_id from up) every
      )
      select er.depth, coalesce(er.root_run, er.public_id) as root,
        er.trigger = 'test' and $1 in (er.job_id, er.pipeline_run_id) as test
      from event_runs er, made
      where er.job_id = any (made.ids) or er.pipeline_run_id = any (made.ids) or er.id in (
        select run_id from action_firings
        where coalesce(result->>'pipeline_run', result->>'job') = any (made.ids)
      )
      order by er.depth desc limit 1`,
    values: [publicId],
  })
  return rows[0] ?? null
}

/** As `after` and the trigger `count_jobs` have it. */
const wordFor = (state: string): string =>
  `case ${state}::text when 'succeeded' then 'succeeded' when 'cancelled' then 'cancelled' when 'skipped' then 'cancelled'
    else 'failed' end`
