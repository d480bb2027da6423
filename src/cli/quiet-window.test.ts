import { expect, test } from 'vitest'
import { parseQuiet, showQuiet } from './quiet-window.ts'

const all = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

test.each([
  ['22:00-07:00', { days: all, from: '22:00', to: '07:00', time_zone: 'UTC', action: 'hold' }],
  ['mon-fri 22:00-07:00 Europe/Berlin', { days: all.slice(0, 5), time_zone: 'Europe/Berlin' }],
  ['Sat,sun 00:00-00:00 Asia/Kolkata drop', { days: ['sat', 'sun'], action: 'drop' }],
  ['fri-mon 20:00-21:00', { days: ['mon', 'fri', 'sat', 'sun'] }],
])('%s', (text, expected) => {
  const quiet = parseQuiet(text)
  expect(quiet).toMatchObject(expected)
  expect(parseQuiet(showQuiet(quiet))).toEqual(quiet)
})

test('what is no window is refused with an example', () => {
  for (const wrong of ['', 'mon-fri', '7:00-8:00', '22:00-07:00 Europe/Berlin always']) {
    expect(() => parseQuiet(wrong)).toThrow('e.g.')
  }
})
