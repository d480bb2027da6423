/** What becomes of the ticks that are due: which start a run, which are past making up. Pure. */
import { newestTicks, ticksBetween, type Timing } from '../job/timing/next-run.ts'
import type { DueSchedule } from './types.ts'

/** `missed`: all ticks from `tick` to `until` together, both included. */
export type Decision = { fire: number } | { missed: number; until: number }

/** A tick that is seen no later than this is on time: servers are replaced and databases return within it. */
export const onTimeMs = 60_000

type Planned = Timing & Pick<DueSchedule, 'misfire' | 'catch_up_seconds' | 'catch_up_limit' | 'next_at'>

/** In the order of their ticks; at most one `missed`, and it is the first. */
export function planTicks(schedule: Planned, now: number): Decision[] {
  const before = schedule.next_at.getTime() - 1
  const late = now - onTimeMs - 1
  const onTime = ticksBetween(schedule, Math.max(before, late), now)
  const madeUp = late > before ? ticksMadeUp(schedule, { before, late, now, onTime: onTime.length }) : []
  const [lastMissed] =
    late > before ? newestTicks(schedule, before, madeUp[0] === undefined ? late : madeUp[0] - 1, 1) : []
  return [
    ...(lastMissed === undefined ? [] : [{ missed: before + 1, until: lastMissed }]),
    ...[...madeUp, ...onTime].map((fire) => ({ fire })),
  ]
}

interface Situation {
  before: number
  late: number
  now: number
  onTime: number
}

function ticksMadeUp(schedule: Planned, { before, late, now, onTime }: Situation): number[] {
  const from = Math.max(before, now - schedule.catch_up_seconds * 1000 - 1)
  if (schedule.misfire === 'skip') return []
  if (schedule.misfire === 'run_all') return newestTicks(schedule, from, late, schedule.catch_up_limit)
  // One that is on time as well is the one run.
  return onTime > 0 ? [] : newestTicks(schedule, from, late, 1)
}
