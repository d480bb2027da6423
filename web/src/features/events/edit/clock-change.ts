export interface ClockChange {
  /** The instant from which the other offset holds. */
  at: Date
  /** Minutes ahead of UTC. */
  before: number
  after: number
}

const dayMs = 86_400_000

/** When the clocks of a zone change next, within a year and a month; null: they do not. */
export function nextClockChange(zone: string, from: Date): ClockChange | null {
  const offset = offsetIn(zone)
  if (!offset) return null
  let low = from.getTime()
  const before = offset(low)
  let high = low
  do high += 7 * dayMs
  while (offset(high) === before && high - low < 396 * dayMs)
  if (offset(high) === before) return null
  low = high - 7 * dayMs
  while (high - low > 60_000) {
    const middle = Math.floor((low + high) / 2)
    if (offset(middle) === before) low = middle
    else high = middle
  }
  const at = Math.round(high / 60_000) * 60_000
  return { at: new Date(at), before, after: offset(at) }
}

/** Minutes ahead of UTC at an instant; undefined: there is no such zone. */
function offsetIn(zone: string): ((instant: number) => number) | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
    return (instant) => {
      const name = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? ''
      const match = /([+-])(\d\d):?(\d\d)?/.exec(name)
      return match ? (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3] ?? 0)) : 0
    }
  } catch {
    return undefined
  }
}

/** `forward by 1 h`, `back by 30 min`. */
export function changeText({ before, after }: ClockChange): string {
  const minutes = Math.abs(after - before)
  const by = minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`
  return `${after > before ? 'forward' : 'back'} by ${by}`
}
