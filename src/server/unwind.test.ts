import { expect, test } from 'vitest'
import { createUnwind } from './unwind.ts'

test('steps run in reverse, once, past one that fails and one that hangs', async () => {
  const order: string[] = []
  const unwind = createUnwind()
  unwind.add('first', async () => void order.push('first'))
  unwind.add('fails', async () => {
    order.push('fails')
    throw new Error('no')
  })
  unwind.add('hangs', () => new Promise(() => order.push('hangs')), 10)
  unwind.add('last', () => void order.push('last'))
  await Promise.all([unwind.run(), unwind.run()])
  await unwind.run()
  expect(order).toEqual(['last', 'hangs', 'fails', 'first'])
})
