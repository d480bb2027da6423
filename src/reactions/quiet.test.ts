import { expect, test } from 'vitest'
import { weekdays, type QuietWindow } from '../job/message.ts'
import { isTimeZone, quietAt } from './quiet.ts'

const night: QuietWindow = {
  days: [...weekdays],
  from: '22:00',
  to: '07:00',
  time_zone: 'Europe/Berlin',
  action: 'hold',
}
const when = (at: string, ...windows: QuietWindow[]): string => {
  const quiet = quietAt(new Date(at), windows)
  return 'hold' in quiet ? quiet.hold.toISOString() : Object.keys(quiet)[0]!
}

test.each([
  ['no windows', '2026-11-22T12:00:00Z', [], 'now'],
  ['before it', '2026-11-22T20:59:59Z', [night], 'now'],
  ['its first moment', '2026-11-22T21:00:00Z', [night], '2026-11-23T06:00:00.000Z'],
  ['after midnight', '2026-11-23T03:00:00Z', [night], '2026-11-23T06:00:00.000Z'],
  ['its end is outside', '2026-11-23T06:00:00Z', [night], 'now'],
  // Saturday, 28 March 2026: clocks go from 02:00 to 03:00 in the night; 07:00 is 05:00 UTC.
  ['over the gap of spring', '2026-03-28T21:30:00Z', [night], '2026-03-29T05:00:00.000Z'],
  ['an end inside the gap', '2026-03-28T23:00:00Z', [{ ...night, to: '02:30' }], '2026-03-29T01:00:00.000Z'],
  [
    'a beginning inside the gap',
    '2026-03-29T01:10:00Z',
    [{ ...night, from: '02:30', to: '04:00' }],
    '2026-03-29T02:00:00.000Z',
  ],
  ['all inside the gap', '2026-03-29T01:00:00Z', [{ ...night, from: '02:15', to: '02:45' }], 'now'],
  // Sunday, 25 October 2026: 03:00 becomes 02:00, so 02:30 comes twice (00:30 and 01:30 UTC).
  ['over the overlap of autumn', '2026-10-24T21:00:00Z', [night], '2026-10-25T06:00:00.000Z'],
  [
    'an end that comes twice is the second',
    '2026-10-25T00:45:00Z',
    [{ ...night, to: '02:30' }],
    '2026-10-25T01:30:00.000Z',
  ],
  [
    'a beginning that comes twice is the first',
    '2026-10-25T00:30:00Z',
    [{ ...night, from: '02:30', to: '04:00' }],
    '2026-10-25T03:00:00.000Z',
  ],
  ['on days that begin it alone', '2026-11-21T22:30:00Z', [{ ...night, days: ['fri'] }], 'now'],
  ['the morning after such a day', '2026-11-21T05:00:00Z', [{ ...night, days: ['fri'] }], '2026-11-21T06:00:00.000Z'],
  [
    'days are those of its zone',
    '2026-11-22T23:30:00Z',
    [{ ...night, days: ['mon'], from: '00:00', to: '06:00' }],
    '2026-11-23T05:00:00.000Z',
  ],
  [
    'a whole day',
    '2026-11-22T12:00:00Z',
    [{ ...night, days: ['sun'], from: '00:00', to: '00:00', time_zone: 'UTC' }],
    '2026-11-23T00:00:00.000Z',
  ],
  [
    'one after the other',
    '2026-11-22T21:30:00Z',
    [night, { ...night, from: '07:00', to: '08:30' }],
    '2026-11-23T07:30:00.000Z',
  ],
  ['dropped', '2026-11-22T21:30:00Z', [{ ...night, action: 'drop' }], 'drop'],
  ['dropped where one holds and one drops', '2026-11-22T21:30:00Z', [night, { ...night, action: 'drop' }], 'drop'],
  [
    'held over one that drops',
    '2026-11-23T05:00:00Z',
    [night, { ...night, from: '07:00', to: '08:00', action: 'drop' }],
    '2026-11-23T07:00:00.000Z',
  ],
  ['always quiet', '2026-11-22T12:00:00Z', [{ ...night, from: '00:00', to: '00:00' }], 'never'],
  [
    'a zone half an hour off',
    '2026-11-22T17:00:00Z',
    [{ ...night, time_zone: 'Asia/Kolkata' }],
    '2026-11-23T01:30:00.000Z',
  ],
  [
    'a zone whose clocks go by half an hour',
    '2026-04-04T14:40:00Z',
    [{ ...night, from: '00:00', to: '01:45', time_zone: 'Australia/Lord_Howe' }],
    '2026-04-04T15:15:00.000Z',
  ],
] as [string, string, QuietWindow[], string][])('%s', (_, at, windows, expected) => {
  expect(when(at, ...windows)).toBe(expected)
})

test('names of zones', () => {
  expect(['UTC', 'Europe/Berlin', 'Mars/Olympus', ''].map(isTimeZone)).toEqual([true, true, false, false])
})
