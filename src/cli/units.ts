/** How people write times and sizes, and how they are shown. */
import { InvalidArgumentError } from 'commander'

const seconds = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const
const durationPattern = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/

/** `500ms`, `3s`, `5m`, `1h`, `1h30m` → seconds. */
export function parseDuration(text: string): number {
  if (!durationPattern.test(text)) {
    const hint =
      /^\d+(\.\d+)?$/.test(text) && Number(text) > 0
        ? `: say ${text}s, ${text}m or ${text}h`
        : ', e.g. 500ms, 3s, 5m, 1h30m'
    throw new InvalidArgumentError(`is not a time${hint}`)
  }
  let total = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(number) * seconds[unit as keyof typeof seconds]
  }
  return Math.round(total * 1000) / 1000
}

const sizeUnits = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 } as const

/** For a limit: no time at all is none. */
export function parseTimeLimit(text: string): number {
  const value = Number(text) === 0 ? 0 : parseDuration(text)
  if (value < 0.1) throw new InvalidArgumentError('is too short: at least 100ms')
  return value
}

/** `64m`, `64MiB`, `1.5g`, `65536` → bytes; units are powers of 1024. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?|b)?$/i.exec(text)
  if (!match) throw new InvalidArgumentError('is not a size, e.g. 512m, 1.5g, 65536')
  const unit = (match[2] ?? '').toLowerCase() as keyof typeof sizeUnits
  return Math.round(Number(match[1]) * sizeUnits[unit])
}

export function parseWhole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('is not a whole number')
  return Number(text)
}

export const parseWithin =
  (least: number, most: number) =>
  (text: string): number => {
    const value = parseWhole(text)
    if (value < least || value > most) throw new InvalidArgumentError(`is not within ${least} to ${most}`)
    return value
  }

export function parseNumber(text: string): number {
  if (!/^\d{1,15}(\.\d+)?$/.test(text)) throw new InvalidArgumentError('is not a number')
  return Number(text)
}

/** `850ms`, `3.2s`, `4m 10s`, `2h 5m`, `3d 4h`. */
export function showDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`
  const whole = Math.floor(ms / 1000)
  const [d, h, m, s] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ]
  if (d > 0) return `${d}d ${h}h`
  return h > 0 ? `${h}h ${m}m` : `${m}m ${s}s`
}

/** The day on which something ends; within two days of that the time too. */
export function showEnd(iso: string, now = Date.now()): string {
  const soon = Date.parse(iso) - now < 2 * 86_400_000
  return soon ? `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC` : iso.slice(0, 10)
}

/** `just now`, `40s ago`, `5m ago`, `3h ago`, `2d ago`, then the date. */
export function showAgo(iso: string, now = Date.now()): string {
  const age = Math.floor((now - Date.parse(iso)) / 1000)
  if (age < 5) return 'just now'
  if (age < 60) return `${age}s ago`
  if (age < 3600) return `${Math.floor(age / 60)}m ago`
  if (age < 86_400) return `${Math.floor(age / 3600)}h ago`
  return age < 30 * 86_400 ? `${Math.floor(age / 86_400)}d ago` : iso.slice(0, 10)
}

/** `512 B`, `64 MiB`, `1.5 GiB`. */
export function showBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`
}

export const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`

/** `120 jobs, 1 user, 118 logs` */
export const contentsOf = (counts: { jobs: number; users: number; logs: number }): string =>
  [plural(counts.jobs, 'job'), plural(counts.users, 'user'), plural(counts.logs, 'log')].join(', ')
