import { expect, test } from 'vitest'
import type { Batch } from '../../lib/api.ts'
import { applyBatchChanges } from './list-cache.ts'
import { sampleBatch } from './sample.ts'

const batch = (id: string, over: Partial<Batch> = {}) => sampleBatch({ id, ...over })
const page = (...batches: Batch[]) => ({ batches, next_cursor: null })
const changes = (...list: Batch[]) => new Map<string, Batch | null>(list.map((one) => [one.id, one]))
const ids = (pages: { batches: Batch[] }[]) => pages.map(({ batches }) => batches.map(({ id }) => id))

test('a listed batch is replaced where it stands; what did not change stays the same object', () => {
  const pages = [page(batch('c'), batch('b')), page(batch('a'))]
  const next = applyBatchChanges(pages, changes(batch('b', { status: 'passed' })), {})
  expect(ids(next)).toEqual([['c', 'b'], ['a']])
  expect(next[0]!.batches[1]!.status).toBe('passed')
  expect(next[0]!.batches[0]).toBe(pages[0]!.batches[0])
  expect(next[1]).toBe(pages[1])
})

test('one that no longer matches leaves, one that was deleted too', () => {
  const pages = [page(batch('b'), batch('a'))]
  expect(ids(applyBatchChanges(pages, changes(batch('b', { status: 'passed' })), { status: 'running' }))).toEqual([
    ['a'],
  ])
  expect(ids(applyBatchChanges(pages, new Map([['a', null]]), {}))).toEqual([['b']])
})

test('a new one goes on top; an old one that just came to match does not', () => {
  const pages = [page(batch('a'))]
  const young = batch('n', { created_at: '2026-11-22T11:00:00.000Z' })
  const old = batch('o', { created_at: '2026-11-21T11:00:00.000Z' })
  expect(ids(applyBatchChanges(pages, changes(old, young), {}))).toEqual([['n', 'a']])
  expect(ids(applyBatchChanges(pages, changes(young), { name: 'other' }))).toEqual([['a']])
  expect(ids(applyBatchChanges([page()], changes(old), {}))).toEqual([['o']])
})
