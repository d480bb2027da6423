/** Events and their runs as their readers see them. Pure. */
import { may } from '../access/permissions.ts'
import type { EventRunRow, FiringRow, RunMore, StoredOutput } from '../events/find-event-runs.ts'
import type { ListedEvent, RunGlance } from '../events/find-events.ts'
import { payloadOf, type StoredInput } from '../events/event-runs.ts'
import { jsonIn, sizeOf, type Payload } from '../events/payload.ts'
import { eventLimits } from '../job/event.ts'
import { eventRunStatusOf } from '../job/event-run-status.ts'
import { isTerminal } from '../job/state.ts'
import type { Json } from '../lib/json.ts'
import type { KnownAsk } from './deps.ts'
import { causeWords, triggerWords } from './event-words.ts'

export function mayRunEvent({ principal }: KnownAsk, event: { ownerId: string; shared: boolean }): boolean {
  return may(principal, 'event.run', event) || (event.shared && may(principal, 'event.run'))
}

export function showEvent(row: ListedEvent, ask: KnownAsk) {
  const { about } = row
  const recent = row.recent.map(showGlance)
  return {
    ...{ id: row.publicId, name: row.name, kind: row.kind, status: row.status, owner: row.owner, shared: row.shared },
    ...{ tags: row.tags, version: row.version, executions: row.executions, problem: row.problem },
    description: about.description,
    max_executions: about.max_executions,
    triggers: triggerWords(row),
    actions: about.actions.length,
    next_at: row.nextAt?.toISOString() ?? null,
    last_run: recent[0] ?? null,
    recent: recent.toReversed(),
    may_change: may(ask.principal, 'event.change', row),
    may_run: row.status !== 'archived' && mayRunEvent(ask, row),
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  }
}
export type ShownEvent = ReturnType<typeof showEvent>

const showGlance = ({ created_at, ended_at, ...run }: RunGlance) => ({
  ...run,
  created_at: new Date(created_at).toISOString(),
  ended_at: ended_at === null ? null : new Date(ended_at).toISOString(),
})

/** `waiting`: why its job waits. */
export function showEventRun(row: EventRunRow, waiting: string | undefined) {
  const { cause, state } = row
  const started = row.jobId !== null || row.pipelineRunId !== null
  return {
    id: row.publicId,
    event: { id: row.eventId, name: row.eventName, kind: row.kind },
    ...{ owner: row.owner, version: row.version, state, status: eventRunStatusOf(state), trigger: row.trigger },
    waiting: isTerminal(state) ? null : started ? (waiting ?? null) : placeWords(row.maxRunning),
    cause: {
      text: causeWords(row),
      ...(cause.by !== undefined && { by: cause.by }),
      ...(cause.run !== undefined && { run_id: cause.run }),
      ...(cause.job !== undefined && { job_id: cause.job }),
      ...(cause.schedule !== undefined && { schedule_id: cause.schedule }),
      ...(cause.webhook !== undefined && { webhook_id: cause.webhook }),
    },
    ...{ job_id: row.jobId, pipeline_run_id: row.pipelineRunId, depth: row.depth, condition: row.condition },
    ...{ progress: row.progress, status_text: row.statusText, exit_code: row.exitCode, error: row.error },
    attempts: row.attempts,
    ...{ executor: row.executor, image: row.image, hosts: row.hosts },
    created_at: row.createdAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    ended_at: row.endedAt?.toISOString() ?? null,
    settled_at: row.settledAt?.toISOString() ?? null,
  }
}
export type ShownEventRun = ReturnType<typeof showEventRun>

const placeWords = (most: number | null): string =>
  `for a free place${most === null ? '' : `: at most ${most} ${most === 1 ? 'run' : 'runs'} at once`}`

export function showRunMore(id: string, more: RunMore) {
  return {
    input: showPayload(inputOf(more), `/api/v1/event-runs/${id}/input`),
    output: showPayload(outputOf(more.output), `/api/v1/event-runs/${id}/output`),
    definition: more.definition as Json,
    actions: more.actions.map(showFiring),
    started: more.started.map(showGlance),
  }
}

export const inputOf = (stored: StoredInput): Payload | null => payloadOf(stored)

export function outputOf({ type, bytes, artifact, size }: StoredOutput): Payload | null {
  return payloadOf({ inputType: type, input: bytes, inputArtifact: artifact, inputBytes: size })
}

const isJson = (type: string): boolean => /^application\/([\w.+-]+\+)?json$/.test(type.split(';')[0]!.trim())

function showPayload(payload: Payload | null, url: string) {
  if (payload === null) return null
  const shown = { type: payload.type, bytes: sizeOf(payload), url }
  if (!('bytes' in payload) || payload.bytes.length > eventLimits.inlineBytes) return shown
  const text = textOf(payload.bytes)
  if (text === null) return shown
  if (!isJson(payload.type)) return payload.type.startsWith('text/') ? { ...shown, text } : shown
  const json = jsonIn(text) as Json | undefined
  return json === undefined ? { ...shown, text } : { ...shown, json }
}

/** Null: it is no text. */
function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

const showFiring = (row: FiringRow) => ({
  ...{ id: row.id, action: row.action, iteration: row.iteration, kind: row.kind, state: row.state, reason: row.reason },
  due_at: row.dueAt.toISOString(),
  done_at: row.doneAt?.toISOString() ?? null,
  delivery_id: row.deliveryId,
  event_run_id: row.result?.run ?? null,
  pipeline_run_id: row.result?.pipeline_run ?? null,
  job_id: row.result?.job ?? null,
})
