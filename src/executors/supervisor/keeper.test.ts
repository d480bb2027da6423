import { expect, test } from 'vitest'
import { createKeeper, type Kept } from './keeper.ts'

/** A clock that can stand still: what was to ring meanwhile rings when it goes on. */
function rig() {
  let now = 0
  let wakeUps = 0
  let bell: { at: number; ring(): void } | null = null
  const kept = new Set<Kept>()
  const deaths: [name: string, at: number][] = []
  const keeper = createKeeper(() => kept, {
    now: () => now,
    ringAt(at, ring) {
      const mine = { at, ring }
      bell = mine
      return () => void (bell === mine && (bell = null))
    },
  })
  const ring = (): void => {
    const due = bell!
    bell = null
    wakeUps++
    due.ring()
  }
  return {
    deaths,
    wakeUps: () => wakeUps,
    keep(name: string, keepUntil: number): Kept {
      const one: Kept = { keepUntil, expire: () => void deaths.push([name, now]) }
      kept.add(one)
      keeper.expect(keepUntil)
      return one
    },
    end: (one: Kept) => void kept.delete(one),
    /** Time goes by. */
    until(at: number) {
      while (bell && bell.at <= at) {
        now = Math.max(now, bell.at)
        ring()
      }
      now = at
    },
    /** Time goes by, and we do not notice. */
    standStill(untilAt: number) {
      now = untilAt
      if (bell && bell.at <= now) ring()
    },
  }
}

test('each dies at its own deadline, and the next one is not forgotten', () => {
  const { keep, until, deaths } = rig()
  keep('late', 9000)
  keep('early', 1000)
  keep('far', 100_000)
  until(50_000)
  expect(deaths).toEqual([
    ['early', 1000],
    ['late', 9000],
  ])
  until(100_000)
  expect(deaths.at(-1)).toEqual(['far', 100_000])
})

test('nothing wakes it up between deadlines, and nothing at all when it has nobody', () => {
  const { keep, end, until, wakeUps } = rig()
  const one = keep('one', 30_000)
  for (let at = 10_000; at <= 10_000_000; at += 10_000) {
    until(at)
    one.keepUntil = at + 30_000
  }
  expect(wakeUps()).toBeLessThan(10_000_000 / 20_000 + 5)
  end(one)
  until(10_100_000)
  const before = wakeUps()
  until(99_000_000)
  expect(wakeUps()).toBe(before)
})

test('after a standstill the mail is read first', () => {
  const { keep, until, standStill, deaths } = rig()
  const extended = keep('extended', 1500)
  keep('dropped', 1500)
  until(100)
  standStill(9000)
  expect(deaths).toEqual([])
  extended.keepUntil = 60_000
  until(10_000)
  expect(deaths).toEqual([['dropped', 9200]])
})

test('also after one that ended just before the deadline, or fell into the reading', () => {
  const { keep, until, standStill, deaths } = rig()
  keep('one', 1500)
  standStill(1490)
  until(1600)
  expect(deaths).toEqual([])
  until(5000)
  expect(deaths).toEqual([['one', 1690]])
  keep('two', 8000)
  until(7900)
  standStill(20_000)
  expect(deaths).toHaveLength(1)
  until(21_000)
  expect(deaths.at(-1)).toEqual(['two', 20_200])
})

test('where everything is always late, it kills all the same', () => {
  const { keep, standStill, deaths } = rig()
  keep('one', 1000)
  for (let at = 2000; at <= 8000; at += 2000) standStill(at)
  expect(deaths).toEqual([['one', 6000]])
})

test('one that is near while another is being read for waits no longer than that', () => {
  const { keep, until, deaths } = rig()
  keep('one', 1000)
  until(900)
  keep('two', 910)
  until(5000)
  expect(deaths).toEqual([
    ['one', 1000],
    ['two', 1000],
  ])
})
