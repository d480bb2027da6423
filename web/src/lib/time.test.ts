import { expect, test } from 'vitest'
import { byteSize, calmDuration, duration, relativeTime, runTime } from './time.ts'

test.each([
  [0, 'now'],
  [1_400, 'now'],
  [59_000, '59 s ago'],
  [60_000, '1 m ago'],
  [3_599_000, '59 m ago'],
  [7_200_000, '2 h ago'],
  [200_000_000, '2 d ago'],
  [-120_000, 'in 2 m'],
])('%i ms later reads %s', (ms, text) => {
  expect(relativeTime(1_000_000, 1_000_000 + ms)).toBe(text)
})

test.each([
  [840, '840 ms'],
  [12_400, '12.4 s'],
  [185_000, '3 m 05 s'],
  [8_040_000, '2 h 14 m'],
  [273_600_000, '3 d 4 h'],
  [Number.NaN, '–'],
])('%d ms is %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

test('sizes are written in binary units', () => {
  expect(byteSize(0)).toBe('0 B')
  expect(byteSize(1536)).toBe('1.5 KiB')
  expect(byteSize(512 * 1024 * 1024)).toBe('512 MiB')
})

test('run times beside each other are all in seconds or more; what still runs has whole ones', () => {
  expect(runTime(12)).toBe('<0.1 s')
  expect(runTime(840)).toBe('0.8 s')
  expect(runTime(12_400)).toBe('12.4 s')
  expect(calmDuration(400)).toBe('0 s')
  expect(calmDuration(12_900)).toBe('12 s')
})
