/** Schedules: seen as their pipelines and events are, changed by whoever owns them and by administrators. */
import { may, scopeOf } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { checkTiming } from '../job/timing/check-timing.ts'
import { findSchedules, findTicks, type ScheduleFilter, type ScheduleRow } from '../schedules/find-schedules.ts'
import type { Timing } from '../job/timing/next-run.ts'
import { previewTimes } from '../schedules/preview.ts'
import { parkIfInactive, saveSchedule, targetColumn, type ScheduleFields } from '../schedules/store.ts'
import { databaseClock } from '../schedules/types.ts'
import { audited } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import {
  lockTarget,
  scheduledEvent,
  scheduledPipeline,
  targetOf,
  wrongField,
  type GivenFields,
  type GivenTimes,
} from './schedule-targets.ts'

/** Exactly one of `pipeline` and `event`. */
export interface CreateScheduleInput extends GivenFields {
  pipeline?: string | undefined
  event?: string | undefined
  name: string
}
export interface ChangeScheduleInput extends GivenFields {
  id: string
}
export interface PreviewInput extends GivenTimes {
  cron?: string | null | undefined
  every_seconds?: number | null | undefined
  zone?: string | undefined
  count: number
  after?: string | undefined
}

const defaults: ScheduleFields = {
  ...{ cron: null, every_seconds: null, zone: 'UTC', starts_at: null, ends_at: null, misfire: 'run_once' },
  ...{ catch_up_seconds: 3600, catch_up_limit: 100, overlap: 'queue', variables: {}, enabled: true },
  ...{ late_after_seconds: null, input: null },
}
/** Of one account; each is a row to look at, and a mistake in a loop makes a million. */
const mostEach = 1000

const show = (row: ScheduleRow) => ({
  ...{ id: row.publicId, pipeline: row.pipeline, name: row.name, source: row.source, owner: row.owner, cron: row.cron },
  ...{ every_seconds: row.every_seconds, zone: row.zone, misfire: row.misfire, catch_up_seconds: row.catch_up_seconds },
  ...{ catch_up_limit: row.catch_up_limit, overlap: row.overlap, enabled: row.enabled, problem: row.problem },
  event: row.event === null ? null : { id: row.event.publicId, name: row.event.name },
  variables: row.variables as Record<string, never>,
  input: row.input as null,
  late_after_seconds: row.late_after_seconds,
  starts_at: row.starts_at?.toISOString() ?? null,
  ends_at: row.ends_at?.toISOString() ?? null,
  next_at: row.next_at?.toISOString() ?? null,
  last_tick: row.lastTick && { ...row.lastTick, tick: new Date(row.lastTick.tick).toISOString() },
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
})
export type ShownSchedule = ReturnType<typeof show>

function mayRead(anyAsk: Ask): KnownAsk {
  const ask = known(anyAsk)
  if (!may(ask.principal, 'schedule.read')) throw refusal(ask, 'schedule.read', 'you may not see schedules')
  return ask
}

/** Of events they see those that they may see. */
function visibleTo({ principal }: KnownAsk): Pick<ScheduleFilter, 'eventsOf'> {
  const scope = scopeOf(principal, 'event.read')
  return scope === 'all' ? {} : { eventsOf: scope === 'own' ? (principal.userId ?? '') : '' }
}

export interface ListSchedulesInput extends Omit<ScheduleFilter, 'id' | 'eventsOf'> {
  cursor?: string | undefined
  limit: number
}

export async function listSchedules(deps: Deps, ask: Ask, { cursor, limit, ...filter }: ListSchedulesInput) {
  const seen = { ...filter, ...visibleTo(mayRead(ask)) }
  const rows = await findSchedules(deps.db, seen, { before: cursor, limit: limit + 1 })
  const shown = rows.slice(0, limit)
  return { schedules: shown.map(show), next_cursor: rows.length > limit ? shown.at(-1)!.key : null }
}

export async function getSchedule(deps: Deps, ask: Ask, id: string): Promise<ShownSchedule> {
  return show(await scheduleOf(deps.db, mayRead(ask), id))
}

async function scheduleOf(db: Queryable, ask: KnownAsk, id: string): Promise<ScheduleRow> {
  const [row] = await findSchedules(db, { id, ...visibleTo(ask) })
  if (row === undefined) throw notFound('schedule')
  return row
}

export interface TicksInput {
  id: string
  limit: number
  before?: string | undefined
}

export async function scheduleTicks(deps: Deps, ask: Ask, { id, limit, before }: TicksInput) {
  const { key } = await scheduleOf(deps.db, mayRead(ask), id)
  const rows = await findTicks(deps.db, key, {
    before: before === undefined ? null : new Date(before),
    limit: limit + 1,
  })
  const ticks = rows.slice(0, limit).map((row) => ({
    ...{ tick: row.tick.toISOString(), outcome: row.outcome, run_id: row.run, reason: row.reason },
    last_tick: row.lastTick?.toISOString() ?? null,
    fired_at: row.firedAt.toISOString(),
    late_told_at: row.lateToldAt?.toISOString() ?? null,
  }))
  return { ticks, next_before: rows.length > limit ? ticks.at(-1)!.tick : null }
}

export async function previewSchedule(deps: Deps, ask: Ask, { count, after, ...given }: PreviewInput) {
  mayRead(ask)
  const timing = timingIn({ ...defaults, ...timesOf(given), ...defined(given) })
  return { times: previewTimes(timing, after === undefined ? await databaseClock(deps.db) : new Date(after), count) }
}

export async function createSchedule(deps: Deps, anyAsk: Ask, input: CreateScheduleInput): Promise<ShownSchedule> {
  const ask = known(anyAsk)
  const { pipeline, event, name, ...given } = input
  const target = `schedule:${pipeline ?? event}/${name}`
  return audited(deps, ask, { action: 'schedule.create', target }, async (tx, note) => {
    if (!may(ask.principal, 'schedule.change')) {
      throw refusal(ask, 'schedule.change', 'your role may see schedules, not make them')
    }
    const scheduled =
      event === undefined ? await scheduledPipeline(tx, deps, ask, pipeline!) : await scheduledEvent(tx, ask, event)
    const { ownerId, words, target: of } = scheduled
    const [column, key] = targetColumn(of)
    const fields = fieldsOf(defaults, given)
    scheduled.check(fields)
    const { rows } = await tx.query<{ taken: boolean; full: boolean }>(
      `select exists (select from schedules where ${column} = $1 and name = $2) as taken,
         (select count(*) from schedules where owner_id = $3) >= ${mostEach} as full`,
      [key, name, ownerId],
    )
    if (rows[0]!.taken) throw wrongField('name', `is taken: ${words} has a schedule ${name}`, 'conflict')
    if (rows[0]!.full) throw new AppError('resource_exhausted', `you have ${mostEach} schedules: delete one`)
    const saved = { ...fields, target: of, name, ownerId, source: 'api' as const, fileEnabled: null }
    const id = await saveSchedule(tx, saved)
    await parkIfInactive(tx, of)
    note({ schedule: id, ...brief(fields) })
    return show(await scheduleOf(tx, ask, id))
  })
}

export async function changeSchedule(deps: Deps, anyAsk: Ask, input: ChangeScheduleInput): Promise<ShownSchedule> {
  const ask = known(anyAsk)
  const { id, ...given } = input
  return audited(deps, ask, { action: 'schedule.change', target: `schedule:${id}` }, async (tx, note) => {
    const row = await changeable(tx, ask, id)
    const check = await lockTarget(tx, row)
    const now = await scheduleOf(tx, ask, id)
    const others = Object.keys(defined(given)).filter((key) => key !== 'enabled')
    if (now.source !== 'api' && others[0] !== undefined) {
      const where = now.source === 'file' ? `the file of pipeline ${now.pipeline}` : `event ${now.event!.name}`
      throw wrongField(others[0], `is changed in ${where}`, 'failed_precondition')
    }
    const fields = fieldsOf(now, given)
    check(fields, given)
    const target = targetOf(now)
    await saveSchedule(tx, { ...now, ...fields, target })
    await parkIfInactive(tx, target)
    note(brief(fields))
    return show(await scheduleOf(tx, ask, id))
  })
}

export async function deleteSchedule(deps: Deps, anyAsk: Ask, id: string): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'schedule.delete', target: `schedule:${id}` }, async (tx, note) => {
    const row = await changeable(tx, ask, id)
    if (row.source !== 'api') {
      const where = row.source === 'file' ? `the file of pipeline ${row.pipeline}` : `event ${row.event!.name}`
      throw new AppError('failed_precondition', `schedule ${row.name} stands in ${where}: delete it there, or pause it`)
    }
    await tx.query('select from pipelines where id = $1 for update', [row.pipelineId])
    await tx.query('select from events where id = $1 for no key update', [row.event?.key ?? null])
    await tx.query('delete from schedules where public_id = $1', [id])
    note({ ...(row.event === null ? { pipeline: row.pipeline } : { event: row.event.publicId }), name: row.name })
  })
}

async function changeable(tx: Queryable, ask: KnownAsk, id: string): Promise<ScheduleRow> {
  if (!may(ask.principal, 'schedule.read')) throw refusal(ask, 'schedule.read', 'you may not see schedules')
  const row = await scheduleOf(tx, ask, id)
  if (may(ask.principal, 'schedule.change', row)) return row
  throw refusal(ask, 'schedule.change', `only ${row.owner} and administrators change this schedule`)
}

function fieldsOf(before: ScheduleFields, given: GivenFields): ScheduleFields {
  const after = { ...before, ...timesOf(given), ...defined(given) }
  // The one takes the place of the other.
  if (given.cron != null && given.every_seconds === undefined) after.every_seconds = null
  if (given.every_seconds != null && given.cron === undefined) after.cron = null
  return { ...after, ...timingIn(after) }
}

function timingIn({ cron, every_seconds, zone, starts_at, ends_at }: Timing): Timing {
  const timing: Timing = { cron, every_seconds, zone, starts_at: starts_at ?? null, ends_at: ends_at ?? null }
  const wrong = checkTiming(timing)
  if (wrong !== null) throw wrongField(wrong.field, wrong.message)
  return timing
}

/** What was given beside the times, which come as text. */
function defined({
  starts_at: _starts,
  ends_at: _ends,
  ...given
}: GivenFields): Partial<Omit<ScheduleFields, keyof GivenTimes>> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

const timesOf = (given: GivenTimes): Pick<Timing, 'starts_at' | 'ends_at'> =>
  Object.fromEntries(
    (['starts_at', 'ends_at'] as const).flatMap((key) => {
      const text = given[key]
      return text === undefined ? [] : [[key, text === null ? null : new Date(text)]]
    }),
  )

const brief = ({ cron, every_seconds, zone, enabled }: ScheduleFields) => ({ cron, every_seconds, zone, enabled })
