import { expect, test } from 'vitest'
import { typedOf, errorsByVariable, freeVariables, variablesOf, type Parameters } from './start-form.ts'

const shape = (part: Partial<Parameters[string]>): Parameters[string] => ({
  type: 'string',
  description: null,
  required: false,
  choices: [],
  ...part,
})
const parameters: Parameters = {
  branch: shape({ default: 'main' }),
  note: shape({}),
  retries: shape({ type: 'number', default: 3 }),
  dry: shape({ type: 'boolean', default: true }),
  where: shape({ type: 'choice', choices: ['a', 'b'], required: true }),
  options: shape({ type: 'json', default: { a: [1] } }),
}

test('a form that nobody changed sends the defaults, and asks for what is required', () => {
  const typed = typedOf(parameters)
  expect(typed).toMatchObject({ branch: 'main', note: '', retries: '3', dry: true, where: '' })
  const { variables, errors } = variablesOf(parameters, typed)
  expect(variables).toEqual({ branch: 'main', retries: 3, dry: true, options: { a: [1] } })
  expect(errors).toEqual({ where: 'is required' })
})

test('values that are there come before the defaults, and a text of JSON keeps its quotes', () => {
  const values = { branch: '', retries: 0, dry: false, options: 'text' }
  const typed = typedOf(parameters, values)
  expect(typed).toMatchObject({ branch: '', retries: '0', dry: false, options: '"text"', note: '' })
  expect(variablesOf(parameters, typed).variables).toEqual(values)
})

test('what was typed has the declared type; a default that was emptied is an empty text', () => {
  const typed = { ...typedOf(parameters), branch: '', retries: 'x', dry: false, where: 'b', options: '[1' }
  const { variables, errors } = variablesOf(parameters, typed)
  expect(variables).toEqual({ branch: '', dry: false, where: 'b' })
  expect(errors['retries']).toMatch(/number/)
  expect(errors['options']).toMatch(/^is not JSON/)
  expect(variablesOf(parameters, { ...typed, retries: '', options: ' ' }).errors).toEqual({})
})

test('free rows are texts, or JSON; a name that is there twice is told', () => {
  const rows = [
    { key: ' a ', value: '1' },
    { key: '', value: '' },
    { key: 'b', value: '{"c":[2]}' },
  ]
  expect(freeVariables(rows, false).variables).toEqual({ a: '1', b: '{"c":[2]}' })
  expect(freeVariables(rows, true).variables).toEqual({ a: 1, b: { c: [2] } })
  expect(freeVariables([...rows, { key: 'a', value: '2' }], false).error).toMatch(/twice/)
  expect(freeVariables([{ key: 'a', value: 'x' }], true).error).toMatch(/^a is not JSON/)
})

test('refusals come to their variables', () => {
  expect(
    errorsByVariable([
      { field: 'variables.branch', message: 'is too long' },
      { field: 'variables["two words"]', message: 'is unknown' },
      { field: 'queue_partition', message: 'is required' },
      { field: 'variables', message: 'are too large' },
    ]),
  ).toEqual({
    branch: 'is too long',
    'two words': 'is unknown',
    queue_partition: 'is required',
    other: 'variables: are too large',
  })
})
