export const daySeconds = 86_400

const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const utcDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' })
const utcWeekday = new Intl.DateTimeFormat(undefined, {
  ...{ weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' },
})

/** At an axis; `at` in seconds. Spans of a day are days of UTC, shorter ones stand in the reader's own time. */
export const tickText = (at: number, step: number): string =>
  (step < daySeconds ? hour : utcDay).format(new Date(at * 1000))

export function pointText(at: number, step: number): string {
  const date = new Date(at * 1000)
  return step < daySeconds ? `${day.format(date)}, ${hour.format(date)}` : utcWeekday.format(date)
}
