/** What starts an event, and what began a run, in words. Pure. */
import type { ListedEvent } from '../events/find-events.ts'
import type { EventRunRow } from '../events/find-event-runs.ts'
import type { AfterTrigger, EventSchedule } from '../job/event.ts'

export interface TriggerWords {
  kind: 'schedule' | 'webhook' | 'after'
  text: string
}

export function triggerWords({ about, webhooks }: Pick<ListedEvent, 'about' | 'webhooks'>): TriggerWords[] {
  return [
    ...about.schedules.map((schedule) => ({ kind: 'schedule' as const, text: scheduleWords(schedule) })),
    ...webhooks.map((name) => ({ kind: 'webhook' as const, text: `webhook ${name}` })),
    ...about.after.map((after) => ({ kind: 'after' as const, text: afterWords(after) })),
  ]
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

/** e.g. `every weekday at 02:30 (Europe/Berlin)`; a cron that has no such words stands as it is. */
export function scheduleWords(schedule: Pick<EventSchedule, 'cron' | 'every_seconds' | 'zone' | 'enabled'>): string {
  const { cron, every_seconds: every, zone, enabled } = schedule
  const when = every === null ? cronWords(cron!) : `every ${duration(every)}`
  return `${when}${zone === 'UTC' || every !== null ? '' : ` (${zone})`}${enabled ? '' : ', paused'}`
}

function cronWords(cron: string): string {
  const [minute, hour, day, month, weekday] = cron.trim().split(/\s+/) as [string, string, string, string, string]
  const plain = (text: string): boolean => /^\d{1,2}$/.test(text)
  if (month === '*' && plain(minute) && plain(hour)) {
    const at = `at ${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`
    if (day === '*' && weekday === '*') return `every day ${at}`
    if (day === '*' && weekday === '1-5') return `every weekday ${at}`
    if (day === '*' && /^[0-7]$/.test(weekday)) return `every ${days[Number(weekday)]} ${at}`
    if (plain(day) && weekday === '*') return `on day ${day} of the month ${at}`
  }
  if (hour === '*' && day === '*' && month === '*' && weekday === '*') {
    if (minute === '*') return 'every minute'
    const step = /^\*\/(\d{1,2})$/.exec(minute)?.[1]
    if (step !== undefined) return `every ${step} minutes`
    if (plain(minute)) return `every hour at :${minute.padStart(2, '0')}`
  }
  return `cron ${cron}`
}

function duration(seconds: number): string {
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ] as const) {
    if (seconds % size === 0) return seconds === size ? unit : `${seconds / size} ${unit}s`
  }
  return `${seconds} s`
}

const ends = { succeeded: 'succeeded', failed: 'failed', cancelled: 'was cancelled' } as const

export function afterWords({ event, pipeline, job, on }: AfterTrigger): string {
  const what = event ?? (pipeline === undefined ? `job ${job}` : `pipeline ${pipeline}`)
  return `after ${what} ${on.map((state) => ends[state]).join(' or ')}`
}

/** e.g. `by alice`, `schedule nightly, due 2026-06-01T02:30:00.000Z`, `action report of event build`. */
export function causeWords(
  row: Pick<EventRunRow, 'trigger' | 'cause' | 'scheduleName' | 'webhookName' | 'fromEvent'>,
): string {
  const { trigger, cause, scheduleName, webhookName, fromEvent } = row
  const by = cause.by === undefined ? '' : ` by ${cause.by}`
  switch (trigger) {
    case 'manual':
      return `run${by}`
    case 'api':
      return `run${by} over the API`
    case 'test':
      return `test${by}`
    case 'redrive':
      return `run again${by}`
    case 'schedule':
      return `schedule ${scheduleName ?? cause.schedule ?? ''}${cause.tick === undefined ? '' : `, due ${cause.tick}`}`
    case 'webhook':
      return `webhook ${webhookName ?? cause.webhook ?? ''}`
    case 'action':
      return `${fromEvent === null ? `an action of run ${cause.run ?? '?'}` : `action ${cause.action ?? ''} of event ${fromEvent}`}${by}`
    case 'event':
      return fromEvent === null ? `end of run ${cause.run ?? '?'}` : `end of event ${fromEvent}`
    case 'job':
      return `end of job ${cause.job ?? ''}`
    case 'pipeline':
      return `end of pipeline run ${cause.pipeline_run ?? ''}`
  }
}
