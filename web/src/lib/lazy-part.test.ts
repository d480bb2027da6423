import { expect, test, vi } from 'vitest'
import { lazyPart, loadParts } from './lazy-part.ts'

test('parts are fetched once, also those that a page brings along, and one that fails stops nothing', async () => {
  const late = vi.fn(async () => ({ default: () => null }))
  const gone = vi.fn(async () => Promise.reject<{ default: () => null }>(new TypeError('Failed to fetch')))
  lazyPart(gone)
  const page = async () => {
    lazyPart(late)
  }
  await loadParts([() => undefined, () => Promise.reject(new TypeError('Failed to fetch')), page])
  expect(gone).toHaveBeenCalledTimes(1)
  expect(late).toHaveBeenCalledTimes(1)
  await loadParts([])
  expect(late).toHaveBeenCalledTimes(1)
})
