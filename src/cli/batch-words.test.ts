import { expect, test } from 'vitest'
import { parseAxis, parseCombination, parseNotify, parseParam } from './batch-words.ts'

test('what one types becomes parts of a batch', () => {
  expect(parseParam('b=x=y', parseParam('a=1'))).toEqual({ a: '1', b: 'x=y' })
  expect(parseAxis('shard=1..20', parseAxis('browser=chrome,firefox'))).toEqual({
    browser: ['chrome', 'firefox'],
    shard: ['1..20'],
  })
  expect(parseCombination('os=b', parseCombination('os=a,n=3'))).toEqual([{ os: 'a', n: '3' }, { os: 'b' }])
  expect(parseNotify('qa:failed,cancelled', parseNotify('team'))).toEqual([
    { channel: 'team', on: ['ended'] },
    { channel: 'qa', on: ['failed', 'cancelled'] },
  ])
})

test.each([
  [parseParam, 'a', /NAME=VALUE/],
  [parseParam, 'a b=1', /letters, digits and _/],
  [parseAxis, '1a=x', /letters, digits and _/],
  [parseCombination, 'a=1,b', /NAME=VALUE/],
  [parseNotify, ':failed', /names no channel/],
  [parseNotify, 'team:often', /"often" is none of ended, failed/],
])('%o refuses %s', (parse: (text: string) => unknown, text, message) => {
  expect(() => parse(text)).toThrow(message)
})

test('an axis has its values in one place', () => {
  expect(() => parseAxis('a=2', { a: ['1'] })).toThrow('a is given twice')
})
