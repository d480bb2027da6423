/** The run that an attempt does, as its script asks for it. */
import type { Queryable } from '../db/pool.ts'
import type { EventTrigger } from '../job/event.ts'
import type { HeldAttempt } from './attempt-results.ts'
import { payloadOf, type StoredInput } from './event-runs.ts'
import type { Payload } from './payload.ts'

/** Of a plain job without an event, what is there: its own name, the rest null. */
export async function aboutRun(tx: Queryable, { ref, publicId, name, owner, startedAt, run }: HeldAttempt) {
  const { rows } = await tx.query<{
    event: { id: string; name: string; kind: string; version: number | null; trigger: EventTrigger }
    type: string | null
    bytes: number | null
  }>({
    name: 'helpers_about_run',
    text: `select r.input_type as type, r.input_bytes::float8 as bytes, json_build_object('id', e.public_id,
        'name', e.name, 'kind', r.definition->>'kind', 'version', r.version, 'trigger', r.trigger) as event
      from event_runs r join events e on e.id = r.event_id where r.public_id = $1`,
    values: [run],
  })
  const { event = null, type = null, bytes = null } = rows[0] ?? {}
  return {
    id: event?.id ?? null,
    name: event?.name ?? name,
    kind: event?.kind ?? null,
    version: event?.version ?? null,
    run_id: run,
    job_id: publicId,
    attempt: ref.number,
    trigger: event?.trigger ?? null,
    owner: owner.username,
    started_at: startedAt?.toISOString() ?? null,
    input: type === null ? null : { type, bytes: bytes ?? 0 },
  }
}

/** `gone`: it was a file of a job that is deleted. */
export async function inputOf(tx: Queryable, run: string): Promise<Payload | 'gone' | null> {
  const { rows } = await tx.query<StoredInput>({
    name: 'helpers_input',
    text: `select input_type as "inputType", input, input_artifact::text as "inputArtifact",
        input_bytes::float8 as "inputBytes" from event_runs where public_id = $1`,
    values: [run],
  })
  const [row] = rows
  if (row === undefined || row.inputType === null) return null
  return payloadOf(row) ?? 'gone'
}
