import { expect, test, vi } from 'vitest'
import type { ApiCalls } from '../api/client.ts'
import type { AuditRow } from '../api/contract/index.ts'
import { auditTable, listEntries, parseHead, verdictLines } from './audit.ts'
import { parseDays, parseScopes } from './commands/token.ts'

const entry = (over: Partial<AuditRow> = {}): AuditRow => ({
  ...{ id: '7', at: '2026-11-22T10:00:00.000Z', actor_kind: 'user', actor: 'anna', action: 'job.cancel' },
  ...{ target: 'job:4d5c9fa91db4', result: 'done', address: '127.0.0.1', detail: { force: true }, seq: '7' },
  ...over,
})

test('an empty answer is not the end of the list', async () => {
  const pages = [
    { entries: [], next_cursor: '90' },
    { entries: [entry()], next_cursor: '40' },
    { entries: [entry({ id: '3' })], next_cursor: null },
  ]
  const list = vi.fn(async () => pages[list.mock.calls.length - 1])
  const calls = { audit: { list } } as unknown as ApiCalls
  expect((await listEntries(calls, { actor: 'anna' }, 10)).map(({ id }) => id)).toEqual(['7', '3'])
  expect(list.mock.calls[2]).toEqual([{ actor: 'anna', cursor: '40', limit: 9 }])
})

test('an entry is one line, whatever stands in it', () => {
  const text = auditTable([entry({ actor: 'eve\n\u001b[2Jx', actor_kind: 'anonymous', result: 'refused' })], 400)
  expect(text.trimEnd().split('\n')).toHaveLength(2)
  expect(text).toContain('eve·x (anonymous)')
})

test('a verdict in words, with the head to be kept', () => {
  const head = { seq: '12', hash: 'a'.repeat(64) }
  expect(verdictLines({ ok: true, checked: 1, head, problems: [] })).toEqual([
    'The log holds: 1 entry.',
    `Head, to be kept elsewhere: 12:${head.hash}`,
  ])
  const problems = [
    { kind: 'changed', seq: '3', audit_id: '4' },
    { kind: 'cut_off', seq: '99' },
  ]
  expect(verdictLines({ ok: false, checked: 12, head: null, problems })).toEqual([
    'The log does NOT hold: 2 problems in 12 entries.',
    '  entry 4 (seal 3) was changed after it was written',
    '  seal 99 is not there any more: the end of the log was cut off',
  ])
  expect(parseHead(` 12:${head.hash}\n`)).toEqual(head)
  for (const bad of ['12', `0:${head.hash}`, `12:${head.hash}0`, `12:${head.hash.toUpperCase()}`]) {
    expect(() => parseHead(bad)).toThrow('is not SEQ:HASH')
  }
})

test('tokens: whole days, and scopes by their whole names', () => {
  expect([parseDays('30d'), parseDays('48h')]).toEqual([30, 2])
  for (const bad of ['12h', '0d', '36h', '9999d', '30']) expect(() => parseDays(bad)).toThrow()
  expect(parseScopes('jobs:read, queues:read', ['audit:read'])).toEqual(['audit:read', 'jobs:read', 'queues:read'])
  for (const bad of ['jobs', 'jobs:', '', 'jobs:*']) expect(() => parseScopes(bad, [])).toThrow('is none of')
})
