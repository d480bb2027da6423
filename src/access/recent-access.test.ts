import { expect, test, vi } from 'vitest'
import { AppError } from '../lib/app-error.ts'
import type { Person } from './permissions.ts'
import { rememberAccess } from './recent-access.ts'

const ann: Person = { kind: 'user', userId: '1', username: 'ann', role: 'operator' }

test('one look serves everybody with the same credential for a moment, and nobody else', async () => {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const look = vi.fn(async () => ann)
  const { authenticate } = rememberAccess(look, 1_000)
  await Promise.all([authenticate({ bearer: 'a' }), authenticate({ bearer: 'a' })])
  now = 999
  expect(await authenticate({ bearer: 'a' })).toBe(ann)
  expect(look).toHaveBeenCalledTimes(1)
  await authenticate({ cookie: 'a' })
  await authenticate({ bearer: 'b' })
  expect(look).toHaveBeenCalledTimes(3)
  now = 1_000
  await authenticate({ bearer: 'a' })
  expect(look).toHaveBeenCalledTimes(4)
  vi.restoreAllMocks()
})

test('a refusal is not remembered, and a change of access is felt at once', async () => {
  let refuse = true
  const { authenticate, forget } = rememberAccess(async () => {
    if (refuse) throw new AppError('unauthenticated', 'no')
    return ann
  })
  await expect(authenticate({ bearer: 'a' })).rejects.toThrow('no')
  refuse = false
  expect(await authenticate({ bearer: 'a' })).toBe(ann)
  refuse = true
  expect(await authenticate({ bearer: 'a' })).toBe(ann)
  forget()
  await expect(authenticate({ bearer: 'a' })).rejects.toThrow('no')
})

test('a look that was under way at the change is not remembered', async () => {
  let answer: (person: Person) => void = () => {}
  const look = vi.fn(() => new Promise<Person>((resolve) => (answer = resolve)))
  const { authenticate, forget } = rememberAccess(look)
  const before = authenticate({ bearer: 'a' })
  forget()
  answer(ann)
  await before
  void authenticate({ bearer: 'a' })
  expect(look).toHaveBeenCalledTimes(2)
})
