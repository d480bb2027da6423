/**
 * Quiet hours. A window is a span of instants: from the first time that its zone's clocks show `from` on a day to the
 * last time that they show `to`, so a night in which clocks are put back is quiet for an hour more. A time that a clock
 * skips is the moment of the skip. Pure.
 */
import { weekdays, type QuietWindow } from '../job/message.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
/** Windows repeat every week: what is quiet for longer is quiet for ever. */
const mostMs = 8 * dayMs

/** `hold`: until when. `never`: the windows leave no gap. */
export type Quiet = { now: true } | { hold: Date } | { drop: true } | { never: true }

export function quietAt(at: Date, windows: readonly QuietWindow[]): Quiet {
  let time = at.getTime()
  for (;;) {
    const around = windows.map((window) => ({ window, until: endAround(window, time) })).filter((w) => w.until !== null)
    if (around.length === 0) return time === at.getTime() ? { now: true } : { hold: new Date(time) }
    // Only of what comes up inside: a message that another window has kept is not thrown away at its end.
    if (time === at.getTime() && around.some(({ window }) => window.action === 'drop')) return { drop: true }
    time = Math.max(...around.map(({ until }) => until!))
    if (time - at.getTime() > mostMs) return { never: true }
  }
}

/** The end of the window if `time` is inside; it may have begun on this day or the one before, as its zone counts days. */
function endAround({ days, from, to, time_zone }: QuietWindow, time: number): number | null {
  const zone = zoneOf(time_zone)
  const [start, end] = [minutesOf(from), minutesOf(to)]
  const today = Math.floor((time + zone.offset(time)) / dayMs) * dayMs
  let latest: number | null = null
  for (const day of [today - dayMs, today]) {
    if (!days.includes(weekdays[(new Date(day).getUTCDay() + 6) % 7]!)) continue
    const begins = zone.instants(day + start * minuteMs)[0]
    const ends = zone.instants(day + (end > start ? 0 : dayMs) + end * minuteMs)[1]
    if (begins <= time && time < ends) latest = Math.max(latest ?? 0, ends)
  }
  return latest
}

const minutesOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))

export function isTimeZone(name: string): boolean {
  try {
    zoneOf(name)
    return true
  } catch {
    return false
  }
}

interface Zone {
  /** What its clocks are ahead of UTC, ms. */
  offset(time: number): number
  /** First and last instant at which its clocks show this time, given as if they showed UTC. */
  instants(wall: number): [number, number]
}

const zones = new Map<string, Zone>()

function zoneOf(name: string): Zone {
  const known = zones.get(name)
  if (known !== undefined) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  const offset = (time: number): number => {
    const part = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]))
    const shown = Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second)
    return shown - Math.floor(time / 1000) * 1000
  }
  const instants = (wall: number): [number, number] => {
    const [before, after] = [offset(wall - dayMs), offset(wall + dayMs)]
    const found = [wall - before, wall - after].filter((time) => time + offset(time) === wall)
    if (found.length > 0) return [Math.min(...found), Math.max(...found)]
    const skip = skipBetween(wall - Math.max(before, after), wall - Math.min(before, after), offset)
    return [skip, skip]
  }
  const zone = { offset, instants }
  zones.set(name, zone)
  return zone
}

/** The moment in between at which the clocks jump. */
function skipBetween(from: number, to: number, offset: (time: number) => number): number {
  const first = offset(from)
  let [low, high] = [from, to]
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000
    if (offset(middle) === first) low = middle
    else high = middle
  }
  return high
}
