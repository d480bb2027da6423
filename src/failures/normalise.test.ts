import { expect, test } from 'vitest'
import { fingerprintOf, normalise, normaliseName } from './normalise.ts'

test.each([
  ['connection to 10.1.2.3:5432 timed out after 3012 ms', 'connection to 10.20.30.40:5433 timed out after 17 ms'],
  ['no such file: /data/2026/11/22/in-7.csv', 'no such file: /data/2025/01/01/in-123.csv'],
  ['2026-11-22T19:18:09.123Z job k3j9x2m4p7q1 failed', '2025-01-01 00:00:00 job a1b2c3d4e5f6 failed'],
  ['user "ada" not found', 'user "bob the builder" not found'],
  ['order 6f1c2f0e-9f1b-4c1e-8a55-0123456789ab is gone', 'order 00000000-9f1b-4c1e-8a55-ffffffffffff is gone'],
  ['answered 404 after 31 ms', 'answered 404 after 45 ms'],
  ['fault at 0x7ffe12ab', 'fault at 0xdeadbeef'],
])('what differs from time to time makes no other pattern: %s', (one, other) => {
  expect(normalise(one)).toBe(normalise(other))
})

test.each([
  ['disk is full', 'disk is slow'],
  ['/etc/app/a.conf is missing', '/var/app/a.conf is missing'],
  ['answered 404, expected 2xx', 'answered 500, expected 2xx'],
  ['https://a.example answered 404', 'https://a.example answered 503'],
  ['exited with code 1', 'exited with code 137'],
  ['ended by signal 9', 'ended by signal 15'],
  ['HTTP status: 502 of the upstream', 'HTTP status: 504 of the upstream'],
  ['internationalisation failed', 'authentication failed'],
])('what is another error stays another: %s', (one, other) => {
  expect(normalise(one)).not.toBe(normalise(other))
})

test('the number of a code is shown', () => {
  expect(normalise('answered 404, expected 2xx, in 12 s')).toBe('answered 404, expected 2xx, in <n> s')
})

test('state and exit code are part of it; a name that counts is one name', () => {
  const failure = { state: 'failed', exitCode: 1, pattern: 'x' }
  const all = [failure, { ...failure, exitCode: 2 }, { ...failure, state: 'lost' }, { ...failure, pattern: 'y' }]
  expect(new Set(all.map(fingerprintOf)).size).toBe(4)
  expect(normaliseName('shard 7 of 100')).toBe(normaliseName('shard 42 of 100'))
})

test('hostile errors are cut in no time', () => {
  const began = performance.now()
  for (const part of ['"', '/', '/a', '1', 'a1', "'", '`', ' ', '0x', '12:', '2026-', '(/a/'])
    normalise(part.repeat(100_000))
  expect(performance.now() - began).toBeLessThan(500)
})
