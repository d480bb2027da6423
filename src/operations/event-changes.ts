/** Making and changing events: may you? → the row, its version, what starts it → one audit row, all in one transaction. */
import { may, type Action } from '../access/permissions.ts'
import { sqlStateOf } from '../db/db-errors.ts'
import type { Queryable } from '../db/pool.ts'
import { countOpenRuns, endUnstarted, waitingRuns } from '../events/event-runs.ts'
import { insertEvent, lockEvent, nameTaken, putVersion, type EventRow } from '../events/event-store.ts'
import { definitionOf } from '../events/find-events.ts'
import type { EventDefinition, EventStatus } from '../job/event.ts'
import { AppError } from '../lib/app-error.ts'
import { audited, type Detail } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { definitionErrors, messageErrors } from './event-check.ts'
import { wrong } from './event-job.ts'
import { admitWaiting } from './event-start.ts'
import { syncTriggers } from './event-triggers.ts'
import { eventOf, shownEvent, type ShownEventDetail } from './find-events.ts'

/** Of one owner: each is a row to look at, and a mistake in a loop makes a million. */
const mostEach = 2000

export interface CreateEventInput {
  name: string
  status: EventStatus
  shared: boolean
  tags: string[]
  definition: EventDefinition
}

export async function createEvent(deps: Deps, anyAsk: Ask, input: CreateEventInput): Promise<ShownEventDetail> {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'event.create' }, async (tx, note) => {
    const { key, publicId } = await createEventIn(tx, deps, ask, input)
    note({ name: input.name, kind: input.definition.kind, status: input.status }, `event:${publicId}`)
    return shownEvent(tx, ask, (await lockEvent(tx, key))!)
  })
}

/** In a transaction that does more than this; its audit row is the caller's. */
export async function createEventIn(
  tx: Queryable,
  deps: Deps,
  ask: KnownAsk,
  input: CreateEventInput,
): Promise<{ key: string; publicId: string }> {
  const { username } = ask.principal
  const userId = mayMakeEvents(ask)
  await mustFit(tx, deps, input.definition)
  const { rows } = await tx.query<{ full: boolean }>(
    `select count(*) >= ${mostEach} as full from events where owner_id = $1`,
    [userId],
  )
  if (rows[0]!.full) throw new AppError('resource_exhausted', `you have ${mostEach} events: delete archived ones`)
  const made = await insertEvent(tx, { ...input, tags: [...new Set(input.tags)], ownerId: userId, by: username })
  await syncTriggers(tx, { key: made.key, ownerId: userId, status: input.status }, input.definition)
  return made
}

/** The account whose events they will be. */
export function mayMakeEvents(ask: KnownAsk): string {
  const { userId } = ask.principal
  if (may(ask.principal, 'event.change') && userId !== null) return userId
  throw refusal(ask, 'event.change', 'your role may see events, not make them')
}

export interface ChangeEventInput {
  event: string
  name?: string | undefined
  status?: EventStatus | undefined
  shared?: boolean | undefined
  tags?: string[] | undefined
  definition?: EventDefinition | undefined
  note?: string | undefined
  expect_version?: number | undefined
}

export async function changeEvent(deps: Deps, anyAsk: Ask, input: ChangeEventInput): Promise<ShownEventDetail> {
  const ask = known(anyAsk)
  return changing(deps, ask, { action: 'event.change', event: input.event }, async (tx, row) =>
    changeEventIn(tx, deps, ask, row, input),
  )
}

/** `row` is locked. Answers the detail of the audit row. */
export async function changeEventIn(
  tx: Queryable,
  deps: Deps,
  { principal }: KnownAsk,
  row: EventRow,
  change: Omit<ChangeEventInput, 'event'>,
): Promise<Detail> {
  const { expect_version: expected, definition, note } = change
  if (expected !== undefined && expected !== row.version) {
    const words = `version ${row.version} is in force, not ${expected}: look at what was changed, then save yours`
    throw new AppError('conflict', words, { fields: [{ field: 'expect_version', message: `is ${row.version} now` }] })
  }
  if (definition !== undefined) await mustFit(tx, deps, definition)
  const after = {
    name: change.name ?? row.name,
    status: change.status ?? row.status,
    shared: change.shared ?? row.shared,
    tags: change.tags === undefined ? row.tags : [...new Set(change.tags)],
    definition: definition ?? row.definition,
  }
  if (after.status !== 'archived') await mustBeFree(tx, row, after)
  const versioned =
    definition !== undefined && (await putVersion(tx, row, { definition, note: note ?? null, by: principal.username }))
  const begins = after.status === 'active' && row.status !== 'active'
  const executions = begins ? executionsOnActivation(row, after.definition) : row.executions
  await tx
    .query(
      `update events set name = $2, status = $3, shared = $4, tags = $5, executions = $6,
         problem = case when $7 then null else problem end, updated_at = now() where id = $1`,
      [row.key, after.name, after.status, after.shared, after.tags, executions, begins || versioned],
    )
    .catch((error: unknown) => {
      // Somebody took the name since it was looked at.
      throw sqlStateOf(error) === '23505' ? nameTaken(after.name) : error
    })
  if (after.status === 'archived' && row.status !== 'archived') await endWaiting(tx, row)
  if (versioned || after.status !== row.status) {
    await syncTriggers(tx, { key: row.key, ownerId: row.ownerId, status: after.status }, after.definition)
  }
  // There may be room for more now.
  if (versioned && after.status !== 'archived') await admitWaiting(tx, deps, row.key)
  return {
    ...(after.name !== row.name && { name: after.name, was: row.name }),
    ...(after.status !== row.status && { status: after.status, from: row.status }),
    ...(after.shared !== row.shared && { shared: after.shared }),
    ...(change.tags !== undefined && { tags: after.tags }),
    ...(versioned && { version: (await lockEvent(tx, row.key))!.version }),
  }
}

/** One that is archived has left its name to others. */
async function mustBeFree(tx: Queryable, row: EventRow, { name }: { name: string }): Promise<void> {
  const { rows } = await tx.query(
    `select from events where owner_id = $1 and lower(name) = lower($2) and status <> 'archived' and id <> $3`,
    [row.ownerId, name, row.key],
  )
  if (rows.length > 0) throw nameTaken(name)
}

function executionsOnActivation({ executions, name }: EventRow, definition: EventDefinition): number {
  if (definition.reset_executions_on_activation) return 0
  const { max_executions: most } = definition
  if (most === null || executions < most) return executions
  const message = `event ${name} has run ${executions} times, of ${most} at most: raise max_executions, or set reset_executions_on_activation`
  throw new AppError('failed_precondition', message, { fields: [{ field: 'status', message }] })
}

async function endWaiting(tx: Queryable, { key }: EventRow): Promise<void> {
  for (;;) {
    const runs = await waitingRuns(tx, key, 500)
    for (const run of runs) await endUnstarted(tx, run.key, { state: 'cancelled', error: 'its event was archived' })
    if (runs.length === 0) return
  }
}

export async function restoreEvent(
  deps: Deps,
  anyAsk: Ask,
  input: { event: string; version: number },
): Promise<ShownEventDetail> {
  const ask = known(anyAsk)
  return changing(deps, ask, { action: 'event.restore', event: input.event }, async (tx, row) => {
    const definition = await definitionOf(tx, row.key, input.version)
    if (definition === null) throw notFound('version of this event')
    const note = `version ${input.version} again`
    const detail = await changeEventIn(tx, deps, ask, row, { definition, note })
    return { ...detail, restored: input.version }
  })
}

/** A copy of one's own, as a draft that nobody else sees. */
export async function cloneEvent(
  deps: Deps,
  anyAsk: Ask,
  input: { event: string; name?: string | undefined },
): Promise<ShownEventDetail> {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'event.clone' }, async (tx, note) => {
    const { definition, tags, name: of, publicId: from } = await eventOf(tx, ask, input.event)
    const name = input.name ?? (await freeName(tx, ask, of))
    const copy = { name, status: 'draft' as const, shared: false, tags, definition }
    const { key, publicId } = await createEventIn(tx, deps, ask, copy)
    note({ from, name }, `event:${publicId}`)
    return shownEvent(tx, ask, (await lockEvent(tx, key))!)
  })
}

/** `nightly - copy`, `nightly - copy 2`, … */
async function freeName(tx: Queryable, { principal }: KnownAsk, of: string): Promise<string> {
  const stem = `${of.slice(0, 110)} - copy`
  const { rows } = await tx.query<{ name: string }>(
    `select lower(name) as name from events where owner_id = $1 and status <> 'archived' and starts_with(lower(name), $2)`,
    [principal.userId, stem.toLowerCase()],
  )
  const taken = new Set(rows.map(({ name }) => name))
  if (!taken.has(stem.toLowerCase())) return stem
  for (let n = 2; ; n += 1) if (!taken.has(`${stem} ${n}`.toLowerCase())) return `${stem} ${n}`
}

/** With its versions, runs, webhooks and schedules; jobs that its runs were go with the others of their age. */
export async function deleteEvent(deps: Deps, anyAsk: Ask, ref: string): Promise<void> {
  const ask = known(anyAsk)
  await changingOnly(deps, ask, { action: 'event.delete', event: ref }, async (tx, row) => {
    if (row.status !== 'archived') {
      throw new AppError('failed_precondition', `event ${row.name} is ${row.status}: archive it first`)
    }
    const { started } = await countOpenRuns(tx, row.key)
    if (started > 0) throw new AppError('conflict', `event ${row.name} has ${started} open runs: cancel them first`)
    await tx.query('delete from events where id = $1', [row.key])
    return { name: row.name }
  })
}

async function changing(
  deps: Deps,
  ask: KnownAsk,
  act: { action: string; event: string },
  work: (tx: Queryable, row: EventRow) => Promise<Detail>,
): Promise<ShownEventDetail> {
  return changingOnly(deps, ask, act, work, async (tx, { key }) => shownEvent(tx, ask, (await lockEvent(tx, key))!))
}

/** Locked, and the asker's to change. */
async function changingOnly<T = void>(
  deps: Deps,
  ask: KnownAsk,
  { action, event: ref }: { action: string; event: string },
  work: (tx: Queryable, row: EventRow) => Promise<Detail>,
  answer?: (tx: Queryable, row: EventRow) => Promise<T>,
): Promise<T> {
  return audited(deps, ask, { action, target: `event:${ref}` }, async (tx, note) => {
    const row = await mayChangeEvent(tx, ask, ref)
    note(await work(tx, row), `event:${row.publicId}`)
    return (await answer?.(tx, row)) as T
  })
}

export async function mayChangeEvent(
  tx: Queryable,
  ask: KnownAsk,
  ref: string,
  action: Extract<Action, 'event.change'> = 'event.change',
): Promise<EventRow> {
  // Before the look: to whom it is refused for every event, it is refused for one that is not there.
  if (!may(ask.principal, action)) throw refusal(ask, action, 'your role may see events, not change them')
  const found = await eventOf(tx, ask, ref)
  if (!may(ask.principal, action, found)) {
    throw new AppError('permission_denied', 'only its owner and administrators change this event')
  }
  const row = await lockEvent(tx, found.key)
  if (row === null) throw notFound('event')
  return row
}

async function mustFit(tx: Queryable, deps: Deps, definition: EventDefinition): Promise<void> {
  const problems = [...definitionErrors(definition, deps), ...(await messageErrors(tx, definition))]
  if (problems.length > 0) throw wrong(problems.map((one) => ({ ...one, field: `definition.${one.field}` })))
}
