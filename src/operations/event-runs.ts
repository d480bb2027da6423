/** Runs of events that people begin, look at and stop. */
import { may, scopeOf } from '../access/permissions.ts'
import { findOwnerId } from '../access/users.ts'
import type { Queryable } from '../db/pool.ts'
import type { Cause } from '../events/begin.ts'
import { payloadOf } from '../events/event-runs.ts'
import type { EventRow } from '../events/event-store.ts'
import { findEventRun, listEventRunRows, runMore, type EventRunRow, type RunViewer } from '../events/find-event-runs.ts'
import { jsonPayload, type Payload } from '../events/payload.ts'
import { statesOfEventRunStatus, type EventRunStatus } from '../job/event-run-status.ts'
import type { EventDefinition, EventTrigger } from '../job/event.ts'
import { isTerminal } from '../job/state.ts'
import { AppError } from '../lib/app-error.ts'
import type { Json } from '../lib/json.ts'
import { claimKey } from '../queue/idempotency.ts'
import { waitingReasons } from '../queue/find.ts'
import { audited } from './audited.ts'
import { cancelEventRunIn } from './cancel-event-run.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { beginEvent } from './event-start.ts'
import type { RunRate } from './event-run-rate.ts'
import { eventOf } from './find-events.ts'
import { checkKey } from './jobs.ts'
import { fingerprint } from './new-job.ts'
import { mayRunEvent, showEventRun, showRunMore, type ShownEventRun } from './show-event.ts'

export interface RunEventInput {
  event: string
  input?: Json | undefined
  input_base64?: string | undefined
  input_type?: string | undefined
  idempotencyKey?: string | undefined
}

export interface BegunRun {
  run: ShownEventRun
  /** The key was used before; nothing was begun. */
  replayed: boolean
}

/** In the name of its owner, whoever asks; `cause.by` says who that was. */
export async function runEvent(deps: Deps, rate: RunRate, anyAsk: Ask, given: RunEventInput): Promise<BegunRun> {
  const ask = known(anyAsk)
  const { event: ref, idempotencyKey: key } = given
  const done = await audited(deps, ask, { action: 'event.run', target: `event:${ref}` }, async (tx, note) => {
    const event = await mayRun(tx, ask, ref)
    rate.count(ask)
    checkKey(key)
    const input = payloadIn(given)
    const begun = await once(tx, deps, ask, { key, body: { run: event.publicId, given } }, () =>
      beginEvent(tx, deps, { eventKey: event.key, trigger: triggerOf(ask), cause: causeOf(ask), input }, ask),
    )
    note({ run: begun.run, replayed: begun.replayed }, `event:${event.publicId}`)
    return begun
  })
  return { run: await getRunShown(deps, ask, done.run), replayed: done.replayed }
}

/** Once per key; the run that the first call began when it was used with the same body. */
async function once(
  tx: Queryable,
  deps: Deps,
  { principal }: KnownAsk,
  { key, body }: { key: string | undefined; body: unknown },
  begin: () => Promise<{ run: string }>,
): Promise<{ run: string; replayed: boolean }> {
  if (key === undefined) return { run: (await begin()).run, replayed: false }
  const idempotency = { key, bodyHash: fingerprint(body, deps) }
  // The id is known when the run has begun; whoever comes meanwhile waits for this transaction.
  const earlier = await claimKey(tx, principal.userId!, idempotency, { jobs: [], run: null })
  if (earlier?.run != null) return { run: earlier.run, replayed: true }
  const { run } = await begin()
  await tx.query('update idempotency_keys set run_id = $3 where owner_id = $1 and key = $2', [
    ...[principal.userId, key, run],
  ])
  return { run, replayed: false }
}

const triggerOf = ({ principal }: KnownAsk): EventTrigger => (principal.kind === 'user' ? 'manual' : 'api')
const causeOf = ({ principal }: KnownAsk): Cause => ({ by: principal.username })

function payloadIn({ input, input_base64: base64, input_type: type }: RunEventInput): Payload | undefined {
  const wrong = (field: string, message: string): AppError =>
    new AppError('invalid_argument', `${field}: ${message}`, { fields: [{ field, message }] })
  if (base64 !== undefined && input !== undefined) throw wrong('input', 'give input or input_base64, not both')
  if (type !== undefined && base64 === undefined) throw wrong('input_type', 'is of input_base64, which is missing')
  if (base64 !== undefined) {
    return { type: type ?? 'application/octet-stream', bytes: Buffer.from(base64, 'base64') }
  }
  return input === undefined ? undefined : jsonPayload(input)
}

export interface TestEventInput {
  event: string
  definition: EventDefinition
  input?: Json | undefined
  fire_actions: boolean
}

/** Of what need not be saved; only whoever may change the event tries something else with its owner's secrets. */
export async function testEvent(
  deps: Deps,
  rate: RunRate,
  anyAsk: Ask,
  { event: ref, definition, input, fire_actions: fire }: TestEventInput,
): Promise<ShownEventRun> {
  const ask = known(anyAsk)
  const run = await audited(deps, ask, { action: 'event.test', target: `event:${ref}` }, async (tx, note) => {
    const event = await mayRun(tx, ask, ref)
    if (!may(ask.principal, 'event.change', event)) {
      throw new AppError('permission_denied', 'only its owner and administrators try another definition of this event')
    }
    rate.count(ask)
    const tried = fire ? definition : { ...definition, actions: [] }
    const payload = input === undefined ? undefined : jsonPayload(input)
    const begin = { eventKey: event.key, trigger: 'test' as const, cause: causeOf(ask), input: payload }
    const begun = await beginEvent(tx, deps, { ...begin, definition: tried }, ask)
    note({ run: begun.run, fire_actions: fire }, `event:${event.publicId}`)
    return begun.run
  })
  return getRunShown(deps, ask, run)
}

/** The event as it is now, with the input of an earlier run. */
export async function rerunEvent(deps: Deps, rate: RunRate, anyAsk: Ask, id: string): Promise<ShownEventRun> {
  const ask = known(anyAsk)
  const run = await audited(deps, ask, { action: 'event_run.rerun', target: `event_run:${id}` }, async (tx, note) => {
    const earlier = await eventRunOf(tx, ask, id)
    const event = await mayRun(tx, ask, earlier.eventId)
    rate.count(ask)
    const more = await runMore(tx, earlier.key)
    const input = payloadOf(more)
    if (more.inputType !== null && input === null) {
      throw new AppError('failed_precondition', `the input of run ${id} is gone: it was a file of another job`)
    }
    const begin = { eventKey: event.key, trigger: triggerOf(ask), cause: causeOf(ask) }
    const begun = await beginEvent(tx, deps, { ...begin, input: input ?? undefined }, ask)
    note({ run: begun.run })
    return begun.run
  })
  return getRunShown(deps, ask, run)
}

async function mayRun(tx: Queryable, ask: KnownAsk, ref: string): Promise<EventRow> {
  if (!may(ask.principal, 'event.run')) {
    throw refusal(ask, 'event.run', `your role (${ask.principal.role}) may not run events`)
  }
  const event = await eventOf(tx, ask, ref)
  if (mayRunEvent(ask, event)) return event
  throw new AppError('permission_denied', 'only its owner and administrators run this event: it is not shared')
}

export async function cancelEventRun(
  deps: Deps,
  anyAsk: Ask,
  { id, reason }: { id: string; reason?: string | undefined },
): Promise<ShownEventRun> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'event_run.cancel', target: `event_run:${id}` }, async (tx, note) => {
    if (!may(ask.principal, 'event_run.cancel')) {
      throw refusal(ask, 'event_run.cancel', `your role (${ask.principal.role}) may not cancel runs`)
    }
    const row = await eventRunOf(tx, ask, id)
    const { username } = ask.principal
    if (!may(ask.principal, 'event_run.cancel', row) && row.cause.by !== username) {
      throw new AppError('permission_denied', 'only its owner, who began it and administrators cancel this run')
    }
    if (isTerminal(row.state)) throw new AppError('conflict', `run ${id} has already ended: ${row.state}`)
    const cancelled = await cancelEventRunIn(tx, deps, id, reason ?? `cancelled by ${username}`)
    if (!cancelled) throw new AppError('conflict', `run ${id} has already ended`)
    note({ event: row.eventId, ...(reason !== undefined && { reason }) })
  })
  return getRunShown(deps, ask, id)
}

function runViewer(ask: KnownAsk): RunViewer {
  const { principal } = ask
  const scope = scopeOf(principal, 'event_run.read')
  if (scope === 'all') return null
  if (scope === 'none' || principal.userId === null)
    throw refusal(ask, 'event_run.read', 'you may not see runs of events')
  return { userId: principal.userId, username: principal.username }
}

export async function eventRunOf(db: Queryable, ask: KnownAsk, id: string): Promise<EventRunRow> {
  const row = await findEventRun(db, id, runViewer(ask))
  if (row === null) throw notFound('run')
  return row
}

export interface ListEventRunsInput {
  event?: string | undefined
  status?: EventRunStatus[] | undefined
  trigger?: EventTrigger[] | undefined
  owner?: string | undefined
  since?: string | undefined
  until?: string | undefined
  cursor?: string | undefined
  limit: number
}

export async function listEventRuns(deps: Deps, anyAsk: Ask, input: ListEventRunsInput) {
  const ask = known(anyAsk)
  const { event: ref, status, trigger, owner, since, until, cursor, limit } = input
  const viewer = runViewer(ask)
  const event = ref === undefined ? undefined : await eventOf(deps.db, ask, ref)
  const ownerId = owner === undefined ? undefined : await findOwnerId(deps.db, owner)
  if (ownerId === null) return { runs: [], next_cursor: null }
  const filter = {
    ...{ viewer, eventKey: event?.key, ownerId, trigger, states: status?.flatMap(statesOfEventRunStatus) },
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
  }
  const { rows, nextCursor } = await listEventRunRows(deps.db, filter, { before: cursor, limit })
  return { runs: await shown(deps, rows), next_cursor: nextCursor }
}

async function shown(deps: Deps, rows: readonly EventRunRow[]): Promise<ShownEventRun[]> {
  const open = rows.flatMap(({ jobId, state }) => (jobId === null || isTerminal(state) ? [] : [jobId]))
  const reasons = open.length === 0 ? new Map() : await waitingReasons(deps.db, open)
  return rows.map((row) => showEventRun(row, row.jobId === null ? undefined : reasons.get(row.jobId)?.text))
}

async function getRunShown(deps: Deps, ask: KnownAsk, id: string): Promise<ShownEventRun> {
  return (await shown(deps, [await eventRunOf(deps.db, ask, id)]))[0]!
}

export async function getEventRun(deps: Deps, anyAsk: Ask, id: string) {
  const ask = known(anyAsk)
  const row = await eventRunOf(deps.db, ask, id)
  const [[run], more] = await Promise.all([shown(deps, [row]), runMore(deps.db, row.key, runViewer(ask))])
  return { ...run!, ...showRunMore(id, more) }
}
