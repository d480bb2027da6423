import { expect, test } from 'vitest'
import type { Runner } from '../../api/contract/index.ts'
import { isWanted, listing } from './runner-ls.ts'

const now = Date.parse('2026-11-22T12:00:00Z')
const runner = (more: Partial<Runner>): Runner => ({
  ...{ id: '1', name: 'web1', state: 'online', version: '0.1.0', hostname: 'h', labels: {}, slots: 4, slots_used: 1 },
  ...{ cpu_millis: 1, memory_mib: 1, executors: ['sandbox'], facilities: {}, taken_over: null, certificate: null },
  ...{ registered_at: '2026-11-22T11:00:00Z', last_seen_at: '2026-11-22T11:59:57Z' },
  ...more,
})
const certificate = { id: '7', ends_at: '2027-02-20T00:00:00Z', revoked_at: null }

test('where each runner is and how long it may be, one line each', () => {
  const text = listing(
    [
      runner({ name: 'here', labels: { gpu: 'a100', zone: 'b' } }),
      runner({ certificate, facilities: { load: { holding_back: 2 } } }),
      runner({ name: 'old', state: 'offline', certificate: { ...certificate, ends_at: '2026-11-01T00:00:00Z' } }),
      runner({ name: 'out', certificate: { ...certificate, revoked_at: '2026-11-22T11:00:00Z' } }),
    ],
    now,
  )
  expect(text.split('\n').map((line) => line.replaceAll(/ +/g, ' ').trim())).toEqual([
    'NAME STATE SLOTS LABELS VERSION HOST LAST SEEN CERTIFICATE',
    'here online 1/4 gpu=a100,zone=b 0.1.0 h just now local',
    'web1 online 1/4 (2 held back) 0.1.0 h just now until 2027-02-20',
    'old offline 1/4 0.1.0 h just now ended',
    'out online 1/4 0.1.0 h just now revoked',
    '',
  ])
})

test('two machines under one name are said, for a day', () => {
  const over = (at: string) => listing([runner({ certificate, taken_over: { from: 'other\u001b[2J', at } })], now)
  expect(over('2026-11-22T11:59:00Z')).toMatch(/took the name from another process, on other.* ago; are there two\?/)
  expect(over('2026-11-22T11:59:00Z')).not.toContain('\u001b[2J')
  expect(over('2026-11-20T11:59:00Z')).not.toContain('took the name')
})

test('filters: any of the states, all of the labels', () => {
  const one = runner({ labels: { gpu: 'a100', zone: 'b' } })
  expect(isWanted(one, { state: ['online', 'draining'], label: ['gpu=a100', 'zone'] })).toBe(true)
  expect(isWanted(one, { label: ['gpu=h100'] })).toBe(false)
  expect(isWanted(one, { label: ['none'] })).toBe(false)
  expect(isWanted(one, { state: ['offline'] })).toBe(false)
})
