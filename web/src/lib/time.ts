const units = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
] as const

/** `3 s ago`, `4 m ago`, `in 2 h`; the exact time belongs in a title beside it. */
export function relativeTime(then: number, now: number): string {
  const seconds = Math.round((now - then) / 1000)
  const distance = Math.abs(seconds)
  if (distance < 2) return 'now'
  const [size, unit] = units.find(([size]) => distance >= size) ?? [1, 's']
  const text = `${Math.floor(distance / size)} ${unit}`
  return seconds >= 0 ? `${text} ago` : `in ${text}`
}

/** Milliseconds until the text of `relativeTime` may change. */
export function relativeTimeStep(then: number, now: number): number {
  const distance = Math.abs(now - then) / 1000
  return distance < 60 ? 1000 : distance < 3600 ? 15_000 : 60_000
}

/** `840 ms`, `12.4 s`, `3 m 05 s`, `2 h 14 m`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '–'
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${two((seconds % 3600) / 60)} m`
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`
}

/** Of what ran, beside others: `0.8 s`, where `duration` has `840 ms`. */
export function runTime(ms: number): string {
  if (ms >= 1000) return duration(ms)
  return ms < 50 ? '<0.1 s' : `${(ms / 1000).toFixed(1)} s`
}

/** Of what still goes on: whole seconds, as tenths that jump tell nothing. */
export const calmDuration = (ms: number): string =>
  duration(ms < 60_000 ? Math.floor(ms / 1000) * 1000 : ms)
    .replace('.0 s', ' s')
    .replace(' ms', ' s')

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' })
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
export const exactTime = (iso: string): string => full.format(new Date(iso))
/** Today only the time of day, else with the date. */
export function shortTime(iso: string, now = new Date()): string {
  return new Date(iso).toDateString() === now.toDateString() ? clockTime(iso) : exactTime(iso)
}

export const clockTime = (iso: string): string => clock.format(new Date(iso))

/** `512 MiB`, `1.5 GiB`, `900 B`. */
export function byteSize(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < names.length - 1) {
    value /= 1024
    unit++
  }
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${names[unit]}`
}
