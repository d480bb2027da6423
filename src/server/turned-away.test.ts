/** A flood at the secure port is seen in the audit log, and does not fill it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Queryable } from '../db/pool.ts'
import { createDoorkeeper } from './turned-away.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function notedBy() {
  const rows: { detail: { reason: string; again?: number }; address: string }[] = []
  const db = {
    query: ({ values }: { values: string[][] }) => {
      rows.push({ detail: JSON.parse(values[5]![0]!) as { reason: string }, address: values[6]![0]! })
      return Promise.resolve({ rows: [] })
    },
  } as unknown as Queryable
  return { rows, keeper: createDoorkeeper(db) }
}

test('the first is noted at once, those of the next minute are one row with their number', async () => {
  const { rows, keeper } = notedBy()
  for (let i = 0; i < 1000; i++) keeper.note({ why: 'TLS: no client certificate', address: '10.0.0.1' })
  keeper.note({ why: 'TLS: no client certificate', address: '10.0.0.2' })
  expect(rows.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(rows.slice(2)).toEqual([{ detail: { reason: 'TLS: no client certificate', again: 999 }, address: '10.0.0.1' }])
  keeper.note({ why: 'TLS: no client certificate', address: '10.0.0.1' })
  expect(rows).toHaveLength(4)
})

test('from ever new addresses there are sixty rows a minute; what was counted is written when the server stops', async () => {
  const { rows, keeper } = notedBy()
  for (let i = 0; i < 500; i++) keeper.note({ why: 'x', address: `10.0.${i >> 8}.${i & 255}` })
  expect(rows).toHaveLength(60)
  keeper.note({ why: 'x', address: '10.0.0.1' })
  await keeper.stop()
  expect(rows.at(-1)).toEqual({ detail: { reason: 'x', again: 1 }, address: '10.0.0.1' })
})
