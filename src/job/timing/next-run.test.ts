/**
 * Against the oracle: a seeded sample in CI, all of it by hand:
 * RUNYARD_TEST_ORACLE=full npx vitest run --project unit src/job/timing/next-run.test.ts
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkTiming } from './check-timing.ts'
import { newestTicks, nextRun, ticksBetween, type Timing } from './next-run.ts'
import { expressions, zones } from './testing/matrix.ts'
import { clockMinutes, oraclePattern } from './testing/oracle.ts'
import { zoneOf } from './zone.ts'

const dayMs = 24 * 3_600_000
const full = process.env.RUNYARD_TEST_ORACLE === 'full'
const cron = (expression: string, zone = 'UTC'): Timing => ({ cron: expression, every_seconds: null, zone })
const every = (seconds: number, over: Partial<Timing> = {}): Timing => ({
  ...{ cron: null, every_seconds: seconds, zone: 'UTC' },
  ...over,
})
const iso = (ticks: (number | null)[]): string[] => ticks.map((at) => new Date(at!).toISOString().slice(0, 16))
const utc = Date.parse

/** What differs, in words; the same minutes are read for all expressions, which is what takes the time. */
function differences(zone: string, from: number, until: number, among = expressions): string[] {
  const oracles = among.map((expression) => ({
    expression,
    oracle: oraclePattern(expression),
    ticks: new Set<number>(),
  }))
  for (const minute of clockMinutes(zone, from, until)) {
    for (const one of oracles) if (one.oracle.comesAt(minute)) one.ticks.add(minute.at)
  }
  return oracles.flatMap(({ expression, ticks }) => {
    const ours = new Set(ticksBetween(cron(expression, zone), from - 1, until))
    compared += ticks.size
    const odd = [...ours].filter((at) => !ticks.has(at)).concat([...ticks].filter((at) => !ours.has(at)))
    return odd.length === 0 ? [] : [`${expression} ${zone}: ${iso(odd.slice(0, 5)).join(' ')}`]
  })
}
let compared = 0

/** Jumps of the clocks in 1970 to 2040. */
function jumpsOf(zone: string): number[] {
  const jumps: number[] = []
  const end = utc('2040-12-31T00:00Z')
  for (let at: number | null = 0; (at = zoneOf(zone).transition(at, end)) !== null;) jumps.push(at)
  return jumps
}

/** Three days around every jump for all expressions, and whole years for those that come once a day or less. */
function compareAll(zone: string, jumps: number[]): void {
  for (const jump of jumps) expect(differences(zone, jump - 1.5 * dayMs, jump + 1.5 * dayMs)).toEqual([])
  const rare = expressions.filter((one) => ticksBetween(cron(one), 0, 40 * dayMs).length <= 40)
  for (const year of [1970, 1976, 1986, 1995, 2000, 2010, 2011, 2018, 2024, 2026, 2040]) {
    expect(differences(zone, Date.UTC(year, 0), Date.UTC(year + 1, 0) - 60_000, rare)).toEqual([])
  }
  console.log(`${zone}: ${jumps.length} jumps, ${compared} ticks compared`)
}

test.each(zones)(
  'the oracle agrees: %s',
  (zone) => {
    compared = 0
    const jumps = jumpsOf(zone)
    if (full) return compareAll(zone, jumps)
    const places = jumps.length === 0 ? fc.constant(utc('2026-03-08T00:00Z')) : fc.constantFrom(...jumps)
    const around = fc.tuple(places, fc.integer({ min: -600, max: 60 }))
    fc.assert(
      fc.property(around, ([jump, minutes]) => {
        const from = Math.floor(jump / 60_000 + minutes) * 60_000
        expect(differences(zone, from, from + 12 * 3_600_000)).toEqual([])
      }),
      { seed: 20260308, numRuns: 6 },
    )
  },
  full ? 3_600_000 : 20_000,
)

test('the changes that people know', () => {
  const on = (expression: string, zone: string, day: string): string[] =>
    iso(ticksBetween(cron(expression, zone), utc(`${day}T00:00Z`) - 1, utc(`${day}T00:00Z`) + dayMs))
  // New York, 2:00 to 3:00 are left out: at 3:00, which is 7:00 UTC.
  expect(on('30 2 * * *', 'America/New_York', '2026-03-08')).toEqual(['2026-03-08T07:00'])
  expect(on('0,30 2 * * *', 'America/New_York', '2026-03-08')).toEqual(['2026-03-08T07:00'])
  // 1:00 to 2:00 come twice: a fixed time the first time, every half hour goes on.
  expect(on('30 1 * * *', 'America/New_York', '2026-11-01')).toEqual(['2026-11-01T05:30'])
  expect(on('*/30 1 * * *', 'America/New_York', '2026-11-01')).toHaveLength(4)
  expect(on('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03')).toEqual(['2026-10-03T15:30'])
  expect(on('30 0 * * *', 'America/Sao_Paulo', '2018-11-04')).toEqual(['2018-11-04T03:00'])
  // Samoa had no 30 December 2011.
  expect(ticksBetween(cron('0 12 30 12 *', 'Pacific/Apia'), utc('2011-01-01'), utc('2012-12-01'))).toEqual([])
})

test('intervals are counted from their start, or from 1970, whatever clocks do', () => {
  const start = utc('2026-03-08T01:10Z')
  const from = new Date(start)
  expect(nextRun(every(3600, { starts_at: from }), 0)).toBe(start)
  expect(nextRun(every(3600, { starts_at: from }), start)).toBe(start + 3_600_000)
  expect(nextRun(every(3600), start)).toBe(utc('2026-03-08T02:00Z'))
  expect(nextRun(every(3600, { starts_at: from, ends_at: new Date(start + 1) }), start)).toBeNull()
  expect(nextRun({ ...cron('0 12 * * *'), starts_at: from }, 0)).toBe(utc('2026-03-08T12:00Z'))
})

test('the newest ones are found from the end', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('* * * * *', '*/7 3 * * *', '0 0 * * *', '* 3 * * 1'),
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 1, max: 50 }),
      (expression, minutes, most) => {
        const until = utc('2026-06-01T00:00:30Z')
        const after = until - minutes * 60_000
        const all = ticksBetween(cron(expression), after, until)
        expect(newestTicks(cron(expression), after, until, most)).toEqual(all.slice(-most))
      },
    ),
    { seed: 1, numRuns: 20 },
  )
})

test.each([
  [cron('* * * *'), /five fields/],
  [cron('@daily'), /five fields/],
  [cron('0 0 ? * *'), /numbers, names/],
  [cron('0 0 15W * *'), /numbers, names/],
  [cron('61 * * * *'), /cannot be read: Invalid value for minute/],
  [cron('5/10 * * * *'), /cannot be read/],
  [cron('0 0 31 2 *'), /never comes/],
  [cron('0 0 * * *', 'Mars/Olympus'), /time zone/],
  [every(1), /whole number from 5/],
  [every(5.5), /whole number/],
  [{ ...cron('* * * * *'), every_seconds: 60 }, /either/],
  [every(60, { starts_at: new Date(1000), ends_at: new Date(0) }), /before starts_at/],
])('%j is refused', (timing, words) => {
  expect(checkTiming(timing)?.message).toMatch(words)
})

test('every expression of the matrix may be used', () => {
  expect(expressions.filter((expression) => checkTiming(cron(expression)) !== null)).toEqual([])
  expect(expressions).toHaveLength(60)
})
