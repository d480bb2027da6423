/** Runs of events: written when they begin, given their job, counted. What ends them is `reactions/settle.ts`. */
import type { Queryable } from '../db/pool.ts'
import type { EventDefinition, EventTrigger } from '../job/event.ts'
import type { Cause } from './begin.ts'
import { sizeOf, type Payload } from './payload.ts'

export interface NewRun {
  publicId: string
  eventKey: string
  /** Null: a definition that is not saved. */
  version: number | null
  definition: EventDefinition
  ownerId: string
  trigger: EventTrigger
  cause: Cause
  input: Payload | null
  depth: number
  rootRun: string | null
  /** Public ids; none of the two: it waits for a free place. */
  job?: string
  pipelineRun?: string
}

export async function insertRun(tx: Queryable, run: NewRun): Promise<string> {
  const { input } = run
  const { rows } = await tx.query<{ key: string }>({
    name: 'events_insert_run',
    text: `insert into event_runs (public_id, event_id, version, definition, owner_id, trigger, cause, job_id,
        pipeline_run_id, input_type, input, input_artifact, input_bytes, depth, root_run)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning id as key`,
    values: [
      ...[run.publicId, run.eventKey, run.version, JSON.stringify(run.definition), run.ownerId, run.trigger],
      ...[JSON.stringify(run.cause), run.job ?? null, run.pipelineRun ?? null, input?.type ?? null],
      input !== null && 'bytes' in input ? input.bytes : null,
      input !== null && 'artifact' in input ? input.artifact : null,
      ...[input === null ? null : sizeOf(input), run.depth, run.rootRun],
    ],
  })
  return rows[0]!.key
}

/** Runs that have not been settled: those that were started, and those that wait for a place. */
export async function countOpenRuns(tx: Queryable, eventKey: string): Promise<{ started: number; waiting: number }> {
  const { rows } = await tx.query<{ started: number; waiting: number }>({
    name: 'events_open_runs',
    text: `select count(*) filter (where not waits)::int as started, count(*) filter (where waits)::int as waiting
      from (select job_id is null and pipeline_run_id is null as waits from event_runs
        where event_id = $1 and settled_at is null and trigger <> 'test') open`,
    values: [eventKey],
  })
  return rows[0]!
}

/** Runs that one first run may lead to: fifty actions, ten deep, would be a million years. */
export const chainRuns = 1000

/** `rootRun`: public id of the first one. */
export async function chainIsFull(tx: Queryable, rootRun: string): Promise<boolean> {
  const { rows } = await tx.query<{ full: boolean }>({
    name: 'events_chain',
    text: `select count(*) >= ${chainRuns} as full from (
      select from event_runs where root_run = $1 limit ${chainRuns}) followers`,
    values: [rootRun],
  })
  return rows[0]!.full
}

export interface WaitingRun {
  key: string
  publicId: string
  definition: EventDefinition
  trigger: EventTrigger
  input: Payload | null
}

/** Of an event that is locked, oldest first; locked as well, so that none is begun which somebody has just cancelled. */
export async function waitingRuns(tx: Queryable, eventKey: string, limit: number): Promise<WaitingRun[]> {
  const { rows } = await tx.query<Omit<WaitingRun, 'input'> & StoredInput>({
    name: 'events_waiting_runs',
    text: `select id as key, public_id as "publicId", definition, trigger, input_type as "inputType", input,
        input_artifact as "inputArtifact", input_bytes::float8 as "inputBytes"
      from event_runs where event_id = $1 and settled_at is null and job_id is null and pipeline_run_id is null
      order by id limit $2 for no key update`,
    values: [eventKey, limit],
  })
  return rows.map(({ inputType, input, inputArtifact, inputBytes, ...run }) => ({
    ...run,
    input: payloadOf({ inputType, input, inputArtifact, inputBytes }),
  }))
}

/** Columns of a run that hold its input. */
export interface StoredInput {
  inputType: string | null
  input: Buffer | null
  inputArtifact: string | null
  inputBytes: number | null
}

/** Null: it has none, or the file that it was is gone. */
export function payloadOf({ inputType: type, input, inputArtifact, inputBytes }: StoredInput): Payload | null {
  if (type === null) return null
  if (input !== null) return { type, bytes: input }
  return inputArtifact === null ? null : { type, artifact: inputArtifact, size: inputBytes ?? 0 }
}

export async function linkRun(
  tx: Queryable,
  key: string,
  { job = null, pipelineRun = null }: { job?: string | undefined | null; pipelineRun?: string | undefined | null },
): Promise<void> {
  await tx.query('update event_runs set job_id = $2, pipeline_run_id = $3 where id = $1', [key, job, pipelineRun])
}

/** One that never gets a job: nothing ran, so nothing follows from it. */
export async function endUnstarted(
  tx: Queryable,
  key: string,
  end: { state: 'cancelled' | 'failed'; error: string },
): Promise<void> {
  await tx.query(
    `update event_runs set settled_at = now(), ended_at = now(), end_state = $2, error = $3, attempts = 0
     where id = $1 and settled_at is null and job_id is null and pipeline_run_id is null`,
    [key, end.state, end.error],
  )
}
