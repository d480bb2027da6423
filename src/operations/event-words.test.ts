import { expect, test } from 'vitest'
import { eventDefinitionSchema, type EventDefinitionInput } from '../job/event.ts'
import { eventYaml } from '../events/event-yaml.ts'
import { createRunRate } from './event-run-rate.ts'
import { afterWords, scheduleWords } from './event-words.ts'
import { fillSecrets } from './fill-secrets.ts'
import { httpRequestSchema } from '../job/http-request.ts'
import type { KnownAsk } from './deps.ts'
import { readEventYaml } from './read-event-yaml.ts'

test.each([
  ['30 2 * * *', 'every day at 02:30'],
  ['30 2 * * 1-5', 'every weekday at 02:30'],
  ['0 9 * * 7', 'every Sunday at 09:00'],
  ['0 9 1 * *', 'on day 1 of the month at 09:00'],
  ['*/5 * * * *', 'every 5 minutes'],
  ['7 * * * *', 'every hour at :07'],
  ['0 9-17 * * 1', 'cron 0 9-17 * * 1'],
])('%s: %s', (cron, words) => {
  expect(scheduleWords({ cron, every_seconds: null, zone: 'UTC', enabled: true })).toBe(words)
})

test('zones, intervals, pauses and ends in words', () => {
  const cron = '0 0 * * *'
  expect(scheduleWords({ cron, every_seconds: null, zone: 'Europe/Berlin', enabled: false })).toBe(
    'every day at 00:00 (Europe/Berlin), paused',
  )
  const every = (every_seconds: number) => scheduleWords({ cron: null, every_seconds, zone: 'UTC', enabled: true })
  expect([every(3600), every(5400), every(90), every(172_800)]).toEqual([
    ...['every hour', 'every 90 minutes', 'every 90 s', 'every 2 days'],
  ])
  expect(afterWords({ pipeline: 'build', on: ['failed', 'cancelled'] })).toBe(
    'after pipeline build failed or was cancelled',
  )
})

const definitions: EventDefinitionInput[] = [
  { kind: 'bash', script: '' },
  {
    kind: 'bash',
    script: 'echo "a: b"\n\n  #x\n\ttab\n',
    env: { A: '1', B: 'no', C: '' },
    input: { deep: [null, 0, ''] },
  },
  { kind: 'node', script: 'x\r\ny', timeouts: { run_seconds: 5 }, retry: { backoff_seconds: 9 }, max_attempts: 2 },
  {
    ...{ kind: 'http', secrets: { T: 'token' }, after: [{ event: 'x', on: ['failed'] }] },
    request: { url: 'http://x', method: 'POST', body: { a: [] }, expect_status: ['2xx', 404] },
  },
  {
    ...{ kind: 'pipeline', pipeline: { name: 'x', variables: { when: '2026-03-01', yes: 'true' } } },
    schedules: [{ name: 's', every_seconds: 60, input: null }],
    actions: [{ name: 'a', on: 'ON_FAILURE', if: 'true', repeat: { times: 2, every_seconds: 1 }, do: { rerun: {} } }],
  },
]
test.each(definitions)('written as YAML and read again it is the same: %#', (given) => {
  const definition = eventDefinitionSchema.parse(given)
  const about = { name: 'one', status: 'paused' as const, shared: true, tags: ['a'] }
  const read = readEventYaml(eventYaml({ ...about, definition }))
  expect(read).toEqual({ problems: [], events: [{ ...about, definition, path: '' }] })
})

test('secrets are filled in once, wherever a text may name them', () => {
  const request = httpRequestSchema.parse({
    url: 'https://x/{{secrets.A}}',
    headers: { 'x-b': 'v {{ secrets.b }}' },
    body: { list: ['{{secrets.A}}{{secrets.A}}', 7], '{{secrets.A}}': true },
    auth: { type: 'bearer', token: '{{secrets.A}}' },
  })
  const values = { A: '{{secrets.b}} $& $1', B: 'two' }
  expect(fillSecrets(request, values, { A: 'a', B: 'b' })).toMatchObject({
    url: 'https://x/{{secrets.b}} $& $1',
    headers: { 'x-b': 'v two' },
    body: { list: ['{{secrets.b}} $& $1{{secrets.b}} $& $1', 7], '{{secrets.A}}': true },
    auth: { token: '{{secrets.b}} $& $1' },
  })
  expect(() => fillSecrets(request, { A: 'x' }, { A: 'a' })).toThrow('names secrets.b: list it under secrets')
})

test('so many runs a minute, each account for itself', () => {
  let now = 0
  const rate = createRunRate(2, () => now)
  const as = (userId: string) =>
    ({ principal: { kind: 'user', userId, username: userId, role: 'operator' } }) as KnownAsk
  rate.count(as('1'))
  rate.count(as('1'))
  expect(() => rate.count(as('1'))).toThrow('wait 30 s')
  rate.count(as('2'))
  now += 30_000
  rate.count(as('1'))
  expect(() => rate.count(as('1'))).toThrow('RUNYARD_EVENT_RUNS_PER_MINUTE')
})
