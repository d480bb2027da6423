import { expect, test } from 'vitest'
import { parseDuration, parseSize, parseWhole, showAgo, showBytes, showDuration } from './units.ts'

test.each([
  ['500ms', 0.5],
  ['3s', 3],
  ['0.5s', 0.5],
  ['5m', 300],
  ['1h', 3600],
  ['1h30m', 5400],
  ['2d', 172_800],
])('%s is %d seconds', (text, value) => {
  expect(parseDuration(text)).toBe(value)
})

test.each(['', '5', '-3s', '3 s', '3sec', 'h', '1h-3m', '1e3s', 'Infinitys'])('%j is not a time', (text) => {
  expect(() => parseDuration(text)).toThrow('is not a time')
})

test('a bare number says what was probably meant', () => {
  expect(() => parseDuration('5')).toThrow('say 5s, 5m or 5h')
})

test.each([
  ['64m', 64 * 1024 * 1024],
  ['64MiB', 64 * 1024 * 1024],
  ['1.5g', 1.5 * 1024 ** 3],
  ['512K', 512 * 1024],
  ['4096', 4096],
  ['4096b', 4096],
])('%s is %d bytes', (text, value) => {
  expect(parseSize(text)).toBe(value)
})

test.each(['', '-1m', 'm', '1x', '1 m b', '0x10', '1e9'])('%j is not a size', (text) => {
  expect(() => parseSize(text)).toThrow('is not a size')
})

test.each(['1.5', '-1', '', ' 1', '99999999999999999'])('%j is not a whole number', (text) => {
  expect(() => parseWhole(text)).toThrow('whole number')
})

test('times and sizes are shown short', () => {
  expect([850, 3250, 59_990, 250_000, 7_500_000, 300_000_000].map(showDuration)).toEqual([
    '850ms',
    '3.2s',
    '59.9s',
    '4m 10s',
    '2h 5m',
    '3d 11h',
  ])
  expect([512, 64 * 1024 * 1024, 1.5 * 1024 ** 3].map(showBytes)).toEqual(['512 B', '64 MiB', '1.5 GiB'])
})

test('ages are relative until a month is over', () => {
  const now = Date.parse('2026-05-01T12:00:00Z')
  const ago = (seconds: number) => showAgo(new Date(now - seconds * 1000).toISOString(), now)
  expect([1, 40, 300, 3 * 3600, 2 * 86_400].map(ago)).toEqual(['just now', '40s ago', '5m ago', '3h ago', '2d ago'])
  expect(ago(60 * 86_400)).toBe('2026-03-02')
})
