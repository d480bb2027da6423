import { Command } from 'commander'
import { expect, test } from 'vitest'
import type { Job } from '../api/contract/index.ts'
import { defineSubmits } from './batch-submit.ts'
import { frequentMessages } from './batch-view.ts'
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

test('why a batch failed: what its jobs say most often', () => {
  const said = (message: string | null, exit_code: number | null = null) => ({ result: { message, exit_code } }) as Job
  const failed = [said('not found: x'), said(null, 1), said('not found: x'), said('b'), said('c'), said('b')]
  expect(frequentMessages(failed)).toEqual(['not found: x (2 times)', 'b (2 times)', 'exit code 1'])
})

test.each([
  [['submit', 'x.yml', '--dry-run', '--watch'], 'cannot be used with'],
  [['submit', 'x.yml', '--dry-run', '--idempotency-key', 'k'], 'cannot be used with'],
  [['matrix', '--axis', 'a=1', '--notify', 'team', '--', 'true'], '--notify goes with --submit'],
  [['matrix', '--axis', 'a=1', '--watch', '--', 'true'], '--watch goes with --submit'],
  [['matrix', '--axis', 'a=1', '--set', 'brnch=x', '--', 'echo', '{{params.branch}}'], 'did you mean branch?'],
])('batch %j is refused', async (words, message) => {
  const batch = new Command().exitOverride().enablePositionalOptions()
  defineSubmits(batch)
  for (const each of batch.commands) each.exitOverride().configureOutput({ writeErr: () => {} })
  await expect(batch.parseAsync(words, { from: 'user' })).rejects.toThrow(message)
})
