/**
 * When a schedule is due. croner only says which wall-clock times an expression names; it is asked in UTC, so none of
 * its own opinions about clock changes count. How wall-clock times become instants is decided here, as cron(8) of Debian
 * does: fixed times (neither minute nor hour begins with `*`) that a jump forward of up to three hours skips come once,
 * at the first instant after it; those that a jump back repeats come once, at the first. All others follow the time that
 * really passes. A jump of more than three hours, as of a zone that leaves a day out, makes nothing up. Pure.
 */
import { Cron } from 'croner'
import { zoneOf, type Zone } from './zone.ts'

export interface Timing {
  /** Five fields; exactly one of `cron` and `every_seconds`. */
  cron: string | null
  /** Of time that really passes, counted from `starts_at`, else from 1970. */
  every_seconds: number | null
  /** IANA. */
  zone: string
  /** No tick before, none after; both may be ticks themselves. */
  starts_at?: Date | null
  ends_at?: Date | null
}

const hourMs = 3_600_000
const longestMadeUpMs = 3 * hourMs
/** Clocks were never put back by more than a day. */
const longestRepeatMs = 25 * hourMs

/** The first tick after `after` (ms since 1970); null when there is none any more. */
export function nextRun(timing: Timing, after: number): number | null {
  const from = Math.max(after, timing.starts_at == null ? -Infinity : timing.starts_at.getTime() - 1)
  const next =
    timing.cron === null ? nextOfInterval(timing, from) : nextOfCron(patternOf(timing.cron), timing.zone, from)
  return next === null || (timing.ends_at != null && next > timing.ends_at.getTime()) ? null : next
}

/** All in (after, until]. */
export function ticksBetween(timing: Timing, after: number, until: number): number[] {
  const ticks: number[] = []
  for (let at = nextRun(timing, after); at !== null && at <= until; at = nextRun(timing, at)) ticks.push(at)
  return ticks
}

/** The last `most` of those in (after, until], looked for from the end: a minute's schedule may have stood for a year. */
export function newestTicks(timing: Timing, after: number, until: number, most: number): number[] {
  for (let span = 60_000; ; span *= 2) {
    const from = Math.max(after, until - span)
    const found = ticksBetween(timing, from, until)
    if (found.length >= most || from === after) return found.slice(-most)
  }
}

function nextOfInterval({ every_seconds, starts_at }: Timing, after: number): number {
  const step = every_seconds! * 1000
  const origin = starts_at?.getTime() ?? 0
  return origin + (Math.floor((after - origin) / step) + 1) * step
}

interface Pattern {
  fixed: boolean
  /** First wall-clock time that matches after this one, both written as if they were UTC. */
  after(wall: number): number | null
}

const patterns = new Map<string, Pattern>()
/** Previews of anybody's expressions must not fill the memory. */
const patternsKept = 5000

function patternOf(expression: string): Pattern {
  const known = patterns.get(expression)
  if (known !== undefined) return known
  const cron = new Cron(expression, { mode: '5-part', timezone: 'UTC', paused: true })
  const [minute, hour] = expression.trim().split(/\s+/)
  const pattern: Pattern = {
    fixed: !minute!.startsWith('*') && !hour!.startsWith('*'),
    after: (wall) => cron.nextRun(new Date(wall))?.getTime() ?? null,
  }
  if (patterns.size >= patternsKept) patterns.clear()
  patterns.set(expression, pattern)
  return pattern
}

/** From one jump of the clocks to the next: in between, wall-clock time and real time run alike. */
function nextOfCron(pattern: Pattern, zoneName: string, after: number): number | null {
  const zone = zoneOf(zoneName)
  let offset = zone.offset(after)
  let wall = after + offset
  if (pattern.fixed) wall = Math.max(wall, repeatedUntil(zone, after) - 1)
  for (let from = after; ;) {
    const match = pattern.after(wall)
    if (match === null) return null
    const jump = zone.transition(from, match - offset)
    if (jump === null) return match - offset
    const before = jump + offset
    offset = zone.offset(jump)
    const then = jump + offset
    if (pattern.fixed && match < then && then - before <= longestMadeUpMs) return jump
    wall = (pattern.fixed ? Math.max(before, then) : then) - 1
    from = jump
  }
}

/** Wall-clock times before this one have been there already, when clocks were put back a short while ago. */
function repeatedUntil(zone: Zone, at: number): number {
  const jump = zone.transition(at - longestRepeatMs, at)
  return jump === null ? -Infinity : jump + zone.offset(jump - 1000)
}
