import { expect, test } from 'vitest'
import type { Variable } from '../../lib/api.ts'
import { bodyOf, formOf, newForm } from './variable-form.ts'

const variable = (some: Partial<Variable>) =>
  ({ name: 'token', scope: 'user', secret: false, description: null, value: 'x', version: '4', ...some }) as Variable
const key = { scope: 'user', name: 'token' }

test('a new one takes no other’s place', () => {
  const form = { ...newForm(true), name: ' token ', value: 'hush' }
  expect(bodyOf(form, null)).toEqual({ ...key, secret: true, value: 'hush', expect_version: '0' })
})

test('a secret whose field stays empty keeps its value, whatever else is changed', () => {
  const secret = variable({ secret: true, value: null })
  const form = { ...formOf(secret), description: 'of the shop' }
  expect(bodyOf(form, secret)).toEqual({ ...key, description: 'of the shop', expect_version: '4' })
  expect(bodyOf({ ...form, value: 'other' }, secret)).toMatchObject({ value: 'other' })
})

test('of a variable only what changed is sent; an empty value is a value', () => {
  const plain = variable({ description: 'old' })
  expect(bodyOf(formOf(plain), plain)).toEqual({ ...key, expect_version: '4' })
  expect(bodyOf({ ...formOf(plain), value: '', description: ' ' }, plain)).toEqual({
    ...key,
    value: '',
    description: null,
    expect_version: '4',
  })
})

test('what becomes a secret keeps its value; a secret that stops to be one needs another', () => {
  const plain = variable({})
  expect(bodyOf({ ...formOf(plain), secret: true }, plain)).toEqual({ ...key, secret: true, expect_version: '4' })
  const secret = variable({ secret: true, value: null })
  const shown = { ...formOf(secret), secret: false }
  expect(bodyOf(shown, secret)).toEqual({ ...key, secret: false, expect_version: '4' })
  expect(bodyOf({ ...shown, value: 'open' }, secret)).toMatchObject({ secret: false, value: 'open' })
})
