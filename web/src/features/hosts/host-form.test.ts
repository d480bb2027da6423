import { expect, test } from 'vitest'
import type { Host } from '../../lib/api.ts'
import { changeOf, errorsOf, formOf, newHostOf } from './host-form.ts'
import { readHostsPlace } from './place.ts'
import { factsLine } from './facts.ts'
import { breakerOf } from './words.ts'

const web1 = {
  name: 'web1',
  description: null,
  labels: { role: 'web' },
  enabled: true,
  open_to: 'operators',
  connection: {
    ...{ address: '10.0.0.5', port: 22, user: 'deploy', auth: 'key', jump: null },
    ...{ connections: 5, keep_alive_seconds: 15, connect_timeout_seconds: 10 },
  },
} as unknown as Host

test('a new host: a pasted key gets its last line break, and only the secret of its method is sent', () => {
  const form = {
    ...formOf(null),
    name: ' web1 ',
    address: '10.0.0.5',
    user: 'deploy',
    private_key: 'KEY',
    password: 'x',
  }
  expect(newHostOf(form)).toMatchObject({
    ...{ name: 'web1', port: 22, jump: null, labels: {}, enabled: true },
    auth: { method: 'key', private_key: 'KEY\n' },
  })
  expect(newHostOf({ ...form, method: 'agent' }).auth).toEqual({ method: 'agent' })
})

test('a change has what is another than it was; credentials that nobody typed stay', () => {
  expect(changeOf(formOf(web1), web1)).toEqual({ name: 'web1' })
  expect(changeOf({ ...formOf(web1), port: '2222', labels: [] }, web1)).toEqual({
    name: 'web1',
    port: 2222,
    labels: {},
  })
  expect(changeOf({ ...formOf(web1), method: 'password', password: ' p ' }, web1)).toEqual({
    name: 'web1',
    auth: { method: 'password', password: ' p ' },
  })
  expect(changeOf({ ...formOf(web1), port: '' }, web1).port).toBeNaN()
})

test('each problem is shown at its field', () => {
  const problems = [
    { field: 'auth.private_key', message: 'is no key' },
    { field: 'labels.a b', message: 'is no name' },
    { field: 'jump', message: 'is unknown' },
  ]
  expect(errorsOf(problems, 'key')).toEqual({ private_key: 'is no key', labels: 'a b is no name', jump: 'is unknown' })
  expect(errorsOf([{ field: 'auth', message: 'm' }], 'password')).toEqual({ password: 'm' })
})

test('only filters are read from the URL, and the worst breaker is the one of a host', () => {
  expect(readHostsPlace({ state: 'key_changed', q: 'web', x: '1' })).toEqual({
    ...{ state: 'key_changed', q: 'web', unknown: 'x=1' },
  })
  expect(readHostsPlace({ state: 'toString' })).toEqual({ unknown: 'state=toString' })
  const runners = (...all: string[]) => ({ runners: all.map((breaker) => ({ breaker })) }) as Host
  expect([breakerOf(runners()), breakerOf(runners('closed', 'open', 'half_open'))]).toEqual([null, 'open'])
})

test('what a host is, in a line', () => {
  const facts = { os: 'Debian GNU/Linux 12 (bookworm)', cores: 1, memory_bytes: 2 ** 31 } as NonNullable<Host['facts']>
  expect(factsLine(facts)).toBe('Debian 12 · 1 core · 2 GiB')
  expect(factsLine({ ...facts, os: null, memory_bytes: null })).toBe('1 core')
})
