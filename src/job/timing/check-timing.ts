/** What is wrong with a timing as somebody wrote it, in words that name the field and the fix. Pure. */
import { Cron } from 'croner'
import type { FieldProblem } from '../../lib/app-error.ts'
import { nextRun, type Timing } from './next-run.ts'
import { zoneOf } from './zone.ts'

export const timingLimits = {
  /** A run is a job or more: faster than this is a loop in the job. */
  everySeconds: { min: 5, max: 366 * 24 * 3600 },
  catchUpSeconds: 7 * 24 * 3600,
  catchUpLimit: 1000,
  lateAfterSeconds: 7 * 24 * 3600,
} as const

/** croner knows more (`@daily`, `?`, `W`, `+`), and other crons do not. */
const field = /^[\dA-VX-Za-vx-z*,/#-]+$/

export function checkTiming(timing: Timing): FieldProblem | null {
  if ((timing.cron === null) === (timing.every_seconds === null)) {
    return { field: 'cron', message: 'give either cron or every_seconds' }
  }
  try {
    zoneOf(timing.zone)
  } catch {
    return { field: 'zone', message: 'is no time zone that is known here, e.g. Europe/Berlin' }
  }
  if (timing.every_seconds !== null) {
    const { min, max } = timingLimits.everySeconds
    const fits = Number.isInteger(timing.every_seconds) && timing.every_seconds >= min && timing.every_seconds <= max
    if (!fits) return { field: 'every_seconds', message: `is a whole number from ${min} to ${max}` }
  }
  const wrong = timing.cron === null ? undefined : cronProblem(timing.cron)
  if (wrong !== undefined) return { field: 'cron', message: wrong }
  if (timing.starts_at != null && timing.ends_at != null && timing.ends_at < timing.starts_at) {
    return { field: 'ends_at', message: 'is before starts_at' }
  }
  if (timing.cron !== null && nextRun({ ...timing, starts_at: null, ends_at: null }, 0) === null) {
    return { field: 'cron', message: `never comes: no month of its months has that day` }
  }
  return null
}

function cronProblem(expression: string): string | undefined {
  const fields = expression.trim().split(/\s+/)
  if (expression.length > 200 || fields.length !== 5) {
    return 'has five fields: minute, hour, day of month, month, day of week, e.g. "30 2 * * 1-5"'
  }
  const odd = fields.find((one) => !field.test(one))
  if (odd !== undefined) return `has numbers, names, * , - / # and L in its fields, not ${JSON.stringify(odd)}`
  try {
    void new Cron(expression, { mode: '5-part', timezone: 'UTC', paused: true })
    return undefined
  } catch (error) {
    return `cannot be read: ${(error as Error).message.replace(/^CronPattern: /, '')}`
  }
}
