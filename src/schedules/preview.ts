/** The next times of a timing, with the words of its zone's clocks. Pure. */
import { nextRun, type Timing } from '../job/timing/next-run.ts'

export function previewTimes(timing: Timing, after: Date, count: number): { at: string; local: string }[] {
  const words = localWords(timing.zone)
  const times: { at: string; local: string }[] = []
  let at = nextRun(timing, after.getTime())
  for (; at !== null && times.length < count; at = nextRun(timing, at)) {
    times.push({ at: new Date(at).toISOString(), local: words(at) })
  }
  return times
}

/** `Sun 2026-03-08 03:00 UTC-4`; seconds only where there are any. */
function localWords(timeZone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, hourCycle: 'h23', timeZoneName: 'shortOffset', weekday: 'short' },
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
  })
  return (at) => {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
    const seconds = part.second === '00' ? '' : `:${part.second}`
    // `GMT+0` for UTC itself.
    const offset = part.timeZoneName!.replace(/^GMT(\+0$)?/, 'UTC')
    return `${part.weekday} ${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}${seconds} ${offset}`
  }
}
