import { expect, test } from 'vitest'
import type { Image } from '../../lib/api.ts'
import { errorsOf, formOf, inputOf } from './image-form.ts'
import { hitRate, warmOf } from './words.ts'

const python = {
  ...{ name: 'python', reference: 'docker.io/library/python:3.12', description: null, languages: ['python'] },
  ...{ pull: 'missing', registry: { username: 'ci', password_secret: null }, warm: { least: 1, most: 4 } },
  ...{ enabled: true, open_to: 'operators' },
} as unknown as Image

test('a password that nobody typed stays; without a registry it goes', () => {
  expect(inputOf(formOf(python), python)).toEqual({
    ...{ name: 'python', reference: 'docker.io/library/python:3.12', description: null, languages: ['python'] },
    ...{ pull: 'missing', warm: { least: 1, most: 4 }, enabled: true, open_to: 'operators' },
  })
  expect(inputOf({ ...formOf(python), password: 'new' }, python).registry).toEqual({ username: 'ci', password: 'new' })
  expect(inputOf({ ...formOf(python), sign: 'none' }, python).registry).toBeNull()
  expect(inputOf({ ...formOf(python), sign: 'secret', password_secret: ' token ' }, python).registry).toEqual({
    ...{ username: 'ci', password_secret: 'token' },
  })
  expect(inputOf(formOf(null), null)).not.toHaveProperty('registry')
})

test('each problem is shown at its field', () => {
  const problems = ['reference', 'registry.password', 'warm.most', 'languages[0]', 'registry']
  expect(errorsOf(problems.map((field) => ({ field, message: field })))).toEqual({
    ...{ reference: 'reference', password: 'registry.password', most: 'warm.most', languages: 'languages[0]' },
    username: 'registry',
  })
})

test('warm containers of all runners, and how many jobs found one', () => {
  const warm = { waiting: 1, used: 3, hits: 3, misses: 1 }
  const image = {
    runners: [
      { runner: 'a', present: true, warm },
      { runner: 'b', present: true, warm: null },
      { runner: 'c', present: true, warm },
    ],
  }
  expect(warmOf(image)).toEqual({ waiting: 2, used: 6, hits: 6, misses: 2 })
  expect([hitRate(warmOf(image)), hitRate({ hits: 0, misses: 0 })]).toEqual(['75 %', null])
})
