/** Durations as Go writes them: `1h30m`, `10s`, `0.5s`. */

const unitMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
/** Go's own are 64 bits of nanoseconds, 292 years. */
const mostMs = 2 ** 63 / 1e6

/** Milliseconds, whole; a text says what is wrong with it. */
export function parseGoDuration(text: string): number | string {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? []
  if (rest === '0') return 0
  const parts = [...rest.matchAll(/(\d+\.?\d*|\.\d+)([a-zµμ]+)/gy)]
  const read = parts.reduce((length, [part]) => length + part.length, 0)
  const unknown = parts.find(([, , unit]) => unitMs[unit!] === undefined)?.[2]
  if (unknown === 'd' || unknown === 'day' || unknown === 'days') return 'has no days: write hours, e.g. `48h`'
  if (parts.length === 0 || read !== rest.length || unknown !== undefined) {
    return 'is no duration: write e.g. `10s`, `1h30m` or `500ms`'
  }
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * unitMs[unit!]!, 0)
  if (ms > mostMs) return 'is longer than any duration'
  return (sign === '-' ? -1 : 1) * Math.round(ms)
}
