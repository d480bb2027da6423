/** How things ran: everybody sees what they may see of it. */
import { may, scopeOf } from '../access/permissions.ts'
import { analyticsHeat, analyticsSeries } from '../analytics/series.ts'
import { analyticsTable, type By, type Sort, type TableRow } from '../analytics/table.ts'
import { flappingEvents, lateTicks } from '../analytics/troubles.ts'
import { AppError } from '../lib/app-error.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { eventOf } from './find-events.ts'

/** Undefined: everybody's. */
function ownerSeen(ask: KnownAsk): string | undefined {
  const scope = scopeOf(ask.principal, 'analytics.read')
  if (scope === 'all') return undefined
  if (scope === 'none' || ask.principal.userId === null)
    throw refusal(ask, 'analytics.read', 'you may not see analytics')
  return ask.principal.userId
}

export interface AnalyticsTableInput {
  days: number
  by: By
  sort: Sort
  limit: number
  search?: string | undefined
}

/** What a row counts: a token that was made for events alone counts no jobs. */
const counted = { event: 'event_run.read', pipeline: 'pipeline_run.read', user: 'job.read' } as const

function mayCount(ask: KnownAsk, by: By): void {
  if (!may(ask.principal, counted[by])) throw refusal(ask, counted[by], `you may not see what ${by}s ran`)
}

export async function analyticsRows(deps: Deps, anyAsk: Ask, input: AnalyticsTableInput) {
  const ask = known(anyAsk)
  const ownerId = ownerSeen(ask)
  mayCount(ask, input.by)
  const { total, rows } = await analyticsTable(deps.db, { ...input, ownerId })
  return { total, rows: rows.map(show) }
}

const show = ({ last_at: at, ...row }: TableRow) => ({ ...row, last_at: at?.toISOString() ?? null })

export interface SeriesInput {
  days: number
  event?: string | undefined
  pipeline?: string | undefined
}

export async function analyticsOverTime(deps: Deps, anyAsk: Ask, input: SeriesInput) {
  const ask = known(anyAsk)
  const subject = { days: input.days, ownerId: ownerSeen(ask), ...(await subjectOf(deps, ask, input)) }
  const { step_seconds, points } = await analyticsSeries(deps.db, subject)
  return { step_seconds, points: points.map(({ at, ...point }) => ({ at: at.toISOString(), ...point })) }
}

async function subjectOf(
  { db }: Deps,
  ask: KnownAsk,
  { event, pipeline }: Pick<SeriesInput, 'event' | 'pipeline'>,
): Promise<{ event?: string; pipeline?: string }> {
  if (event !== undefined && pipeline !== undefined) throw wrong('pipeline', 'give an event or a pipeline, not both')
  if (event !== undefined) return { event: (await eventOf(db, ask, event)).key }
  if (pipeline === undefined) return {}
  mayCount(ask, 'pipeline')
  const { rows } = await db.query<{ id: string }>('select id from pipelines where name = $1', [pipeline])
  if (rows[0] === undefined) throw notFound('pipeline')
  return { pipeline: rows[0].id }
}

export interface HeatInput {
  days: number
  zone: string
  event?: string | undefined
}

export async function analyticsByHour(deps: Deps, anyAsk: Ask, { days, zone, event }: HeatInput) {
  const ask = known(anyAsk)
  const ownerId = ownerSeen(ask)
  if (!isZone(zone)) throw wrong('zone', `${zone.slice(0, 64)} is no time zone; say e.g. Europe/Berlin`)
  const cells = await analyticsHeat(deps.db, { days, zone, ownerId, ...(await subjectOf(deps, ask, { event })) })
  return { cells }
}

/** Names only: to the database `+01:00` means one hour west. */
function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

const wrong = (field: string, message: string): AppError =>
  new AppError('invalid_argument', `${field}: ${message}`, { fields: [{ field, message }] })

const troubleKinds = ['slow', 'failing', 'flapping', 'late'] as const
export interface TroublesInput {
  days: number
  kinds?: (typeof troubleKinds)[number][] | undefined
}

/** So many of each kind. */
const most = 10
const mostLate = 50

export async function analyticsTroubles(deps: Deps, anyAsk: Ask, { days, kinds = [...troubleKinds] }: TroublesInput) {
  const ask = known(anyAsk)
  const ownerId = ownerSeen(ask)
  const { db } = deps
  const ofBoth = async (sort: Sort, failing: boolean): Promise<TableRow[]> => {
    const tables = (['event', 'pipeline'] as const)
      .filter((by) => may(ask.principal, counted[by]))
      .map((by) => analyticsTable(db, { ownerId, days, by, sort, limit: most, failing }))
    return (await Promise.all(tables)).flatMap(({ rows }) => rows)
  }
  const eventsOf = scopeOf(ask.principal, 'event.read') === 'all' ? undefined : (ask.principal.userId ?? '0')
  const [slow, failing, flapping, late] = await Promise.all([
    kinds.includes('slow') ? ofBoth('duration_p95', false) : [],
    kinds.includes('failing') ? ofBoth('failed', true) : [],
    kinds.includes('flapping') ? flappingEvents(db, { ownerId, days, limit: most }) : [],
    kinds.includes('late') && may(ask.principal, 'schedule.read')
      ? lateTicks(db, { eventsOf, days, limit: mostLate })
      : [],
  ])
  const slowest = slow.filter((row) => row.duration_p95_ms !== null)
  return {
    slowest: slowest
      .toSorted((a, b) => b.duration_p95_ms! - a.duration_p95_ms!)
      .slice(0, most)
      .map(show),
    failing: failing
      .toSorted((a, b) => b.failed - a.failed)
      .slice(0, most)
      .map(show),
    flapping,
    late: late.map(({ schedule, tick, ...row }) => ({ schedule_id: schedule, tick: tick.toISOString(), ...row })),
  }
}
