/** Brings the schedules of an event in line with those that its definition declares, and with its status. */
import type { Queryable } from '../db/pool.ts'
import type { EventDefinition, EventSchedule } from '../job/event.ts'
import type { Timing } from '../job/timing/next-run.ts'
import { parkSchedules, saveSchedule, unparkSchedules } from './store.ts'

export interface ScheduledEvent {
  /** `events.id`. */
  key: string
  ownerId: string
  active: boolean
}

/** In the transaction that changes the event, with its row locked. Null: it has no definition any more. */
export async function syncEventSchedules(
  tx: Queryable,
  { key, ownerId, active }: ScheduledEvent,
  definition: Pick<EventDefinition, 'schedules' | 'starts_at' | 'ends_at'> | null,
): Promise<void> {
  const schedules = definition?.schedules ?? []
  await tx.query(`delete from schedules where event_id = $1 and source = 'event' and name <> all($2::text[])`, [
    key,
    schedules.map(({ name }) => name),
  ])
  const { rows } = await tx.query<{ name: string; enabled: boolean; fileEnabled: boolean | null }>(
    `select name, enabled, file_enabled as "fileEnabled" from schedules where event_id = $1`,
    [key],
  )
  for (const schedule of schedules) {
    const { name, input = null, starts_at: _starts, ends_at: _ends, ...policies } = schedule
    const before = rows.find((row) => row.name === name)
    // Somebody paused or resumed it: that holds until the definition says something else than before.
    const enabled = before?.fileEnabled === schedule.enabled ? before.enabled : schedule.enabled
    await saveSchedule(tx, {
      ...policies,
      ...within(schedule, definition!),
      ...{ target: { eventKey: key }, name, ownerId, enabled, source: 'event', fileEnabled: schedule.enabled },
      ...{ variables: {}, input },
    })
  }
  await (active ? unparkSchedules : parkSchedules)(tx, key)
}

type Bounds = Pick<Timing, 'starts_at' | 'ends_at'>

/** No trigger starts the event before its own time or after it, so a schedule has no tick there to be refused. */
function within(schedule: EventSchedule, event: Pick<EventDefinition, 'starts_at' | 'ends_at'>): Bounds {
  const [own, from] = [timeOf(schedule.starts_at), timeOf(event.starts_at)]
  const ends = [timeOf(schedule.ends_at), timeOf(event.ends_at)].filter((at) => at !== null)
  const starts = schedule.every_seconds === null ? laterOf(own, from) : firstTick(schedule.every_seconds, own, from)
  return { starts_at: dateOf(starts), ends_at: dateOf(ends.length === 0 ? null : Math.min(...ends)) }
}

/** Intervals are counted from the schedule's own beginning, which must not move them. */
function firstTick(everySeconds: number, own: number | null, from: number | null): number | null {
  if (from === null || (own !== null && own >= from)) return own
  const [origin, step] = [own ?? 0, everySeconds * 1000]
  return origin + Math.ceil((from - origin) / step) * step
}

const laterOf = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b)
const timeOf = (text: string | null): number | null => (text === null ? null : Date.parse(text))
const dateOf = (at: number | null): Date | null => (at === null ? null : new Date(at))
