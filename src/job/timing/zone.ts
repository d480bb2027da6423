/** What the clocks of a zone show, from the tables that Node brings along. Pure. */

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

export interface Zone {
  /** What its clocks are ahead of UTC, ms. */
  offset(time: number): number
  /** The first instant in (after, until] at which its clocks jump; null: none. */
  transition(after: number, until: number): number | null
}

const zones = new Map<string, Zone>()

/** Throws RangeError for a name that is no zone. */
export function zoneOf(name: string): Zone {
  const known = zones.get(name)
  if (known !== undefined) return known
  const made = makeZone(name)
  zones.set(name, made)
  return made
}

function makeZone(name: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  const offset = (time: number): number => {
    // "11/22/2026, 15:04:05"
    const [month, day, year, hour, minute, second] = format.format(time).split(/\D+/).map(Number)
    return Date.UTC(year!, month! - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000
  }
  return {
    offset,
    transition(after, until) {
      // No zone has ever jumped there and back within a day.
      for (let from = after; from < until; from += dayMs) {
        const to = Math.min(from + dayMs, until)
        if (offset(from) !== offset(to)) return jumpBetween(from, to, offset)
      }
      return null
    },
  }
}

/** To the second, which is as exact as the tables are. */
function jumpBetween(from: number, to: number, offset: (time: number) => number): number {
  const before = offset(from)
  let [low, high] = [Math.floor(from / 1000), Math.ceil(to / 1000)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offset(middle * 1000) === before) low = middle
    else high = middle
  }
  return high * 1000
}
