import { expect, test } from 'vitest'
import type { Job } from '../../lib/api.ts'
import { inParts, targets } from './bulk.ts'

const jobs = (['queued', 'running', 'succeeded', 'lost'] as const).map((state) => ({
  id: state,
  state,
})) as unknown as Job[]

test('cancel is for what has not ended, delete for what has, run again for all but messages', () => {
  expect(targets('cancel', jobs).map(({ id }) => id)).toEqual(['queued', 'running'])
  expect(targets('delete', jobs).map(({ id }) => id)).toEqual(['succeeded', 'lost'])
  expect(targets('rerun', jobs)).toHaveLength(4)
  expect(targets('rerun', [{ ...jobs[2]!, executor: 'message' }])).toEqual([])
})

test('more than a call takes goes in several; what was refused is gathered', async () => {
  const sizes: number[] = []
  const result = await inParts(
    Array.from({ length: 1001 }, (_, i) => String(i)),
    (ids) => {
      sizes.push(ids.length)
      const [first, ...rest] = ids
      return Promise.resolve({ done: rest.map((id) => ({ id })), refused: [{ id: first!, message: 'no' }] })
    },
  )
  expect(sizes).toEqual([500, 500, 1])
  expect(result).toEqual({ done: 998, refused: ['0', '500', '1000'].map((id) => ({ id, message: 'no' })) })
})
