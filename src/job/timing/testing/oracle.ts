/**
 * The rule again, written another way: every minute of real time is looked at, what the clocks show comes from Intl, and
 * expressions are read by a parser of its own. Slow and plain; it shares nothing with `next-run.ts`.
 */

const minuteMs = 60_000

export interface ClockMinute {
  at: number
  /** What the clocks show, written as if it were UTC. */
  wall: number
  /** Shown before, less than 26 hours ago: clocks were put back. */
  again: boolean
  /** Shown by no clock: skipped by the jump that ends here; null when it is longer than three hours. */
  skipped: number[] | null
}

/** Every whole minute in [from, until]. */
export function* clockMinutes(zone: string, from: number, until: number): Generator<ClockMinute> {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
  const shown = (at: number): number => Date.parse(`${format.format(at).replace(' ', 'T')}Z`)
  const dayBefore = 26 * 60 * minuteMs
  let last = shown(from - dayBefore - minuteMs)
  let latest = last
  for (let at = from - dayBefore; at <= until; at += minuteMs) {
    const wall = shown(at)
    const skipped: number[] = []
    for (let lost = last + minuteMs; lost < wall; lost += minuteMs) skipped.push(lost)
    if (at >= from) yield { at, wall, again: wall <= latest, skipped: skipped.length > 180 ? null : skipped }
    last = wall
    latest = Math.max(latest, wall)
  }
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

type Matches = (date: Date) => boolean

function part(text: string, low: number, high: number, names: string[], value: (date: Date) => number): Matches {
  const number = (word: string): number => {
    const at = names.indexOf(word.toUpperCase())
    return at < 0 ? Number(word) : at + (names === months ? 1 : 0)
  }
  const wanted = new Set<number>()
  for (const item of text.split(',')) {
    const [range, step = '1'] = item.split('/')
    const [first, last] = range === '*' ? [low, high] : range!.split('-').map(number)
    for (let n = first!; n <= (last ?? first!); n += Number(step)) wanted.add(n)
  }
  return (date) => wanted.has(value(date))
}

const dayOfMonth = (text: string): Matches =>
  text === 'L'
    ? (date) => new Date(date.getTime() + 24 * 60 * minuteMs).getUTCDate() === 1
    : part(text, 1, 31, [], (date) => date.getUTCDate())

function dayOfWeek(text: string): Matches {
  const [, day, nth] = /^(\w+)#(\d)$/.exec(text) ?? []
  const [, lastDay] = /^(\w+)L$/.exec(text) ?? []
  if (lastDay !== undefined) {
    const same = dayOfWeek(lastDay)
    return (date) => same(date) && new Date(date.getTime() + 7 * 24 * 60 * minuteMs).getUTCDate() <= 7
  }
  if (nth !== undefined) {
    const same = dayOfWeek(day!)
    return (date) => same(date) && Math.ceil(date.getUTCDate() / 7) === Number(nth)
  }
  const plain = part(text, 0, 6, days, (date) => date.getUTCDay())
  const seven = part(text, 0, 7, days, (date) => (date.getUTCDay() === 0 ? 7 : -1))
  return (date) => plain(date) || seven(date)
}

export interface OraclePattern {
  comesAt(minute: ClockMinute): boolean
}

export function oraclePattern(expression: string): OraclePattern {
  const [minute, hour, dom, month, dow] = expression.trim().split(/\s+/) as [string, string, string, string, string]
  const atMinute = part(minute, 0, 59, [], (date) => date.getUTCMinutes())
  const atHour = part(hour, 0, 23, [], (date) => date.getUTCHours())
  const inMonth = part(month, 1, 12, months, (date) => date.getUTCMonth() + 1)
  const [byDate, byDay] = [dayOfMonth(dom), dayOfWeek(dow)]
  const onDay: Matches = (date) =>
    dom !== '*' && dow !== '*' ? byDate(date) || byDay(date) : byDate(date) && byDay(date)
  const matches = (wall: number): boolean => {
    const date = new Date(wall)
    return atMinute(date) && atHour(date) && inMonth(date) && onDay(date)
  }
  const fixed = minute[0] !== '*' && hour[0] !== '*'
  return {
    comesAt({ wall, again, skipped }) {
      if (!fixed) return matches(wall)
      return (!again && matches(wall)) || (skipped ?? []).some(matches)
    },
  }
}
