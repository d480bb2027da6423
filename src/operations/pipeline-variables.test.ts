import { expect, test } from 'vitest'
import type { Parameter } from '../job/pipeline.ts'
import { isAppError } from '../lib/app-error.ts'
import { checkVariables } from './pipeline-variables.ts'

const parameter = (type: Parameter['type'], more: Partial<Parameter> = {}): Parameter => ({
  ...{ type, description: null, required: false, choices: [] },
  ...more,
})
const parameters = {
  tag: parameter('string', { required: true }),
  retries: parameter('number', { default: 3 }),
  dry: parameter('boolean'),
  target: parameter('choice', { choices: ['staging', 'production'], default: 'staging' }),
  hosts: parameter('json'),
}

function fieldsOf(given: Record<string, unknown>, declared: Record<string, Parameter> = parameters) {
  try {
    return checkVariables({ parameters: declared }, given)
  } catch (error) {
    if (!isAppError(error)) throw error
    return Object.fromEntries(error.fields.map(({ field, message }) => [field, message]))
  }
}

test('defaults are filled in, and nothing that was given is changed', () => {
  expect(fieldsOf({ tag: '--v1\n"x"', hosts: [{ a: 1 }] })).toEqual({
    ...{ tag: '--v1\n"x"', hosts: [{ a: 1 }], retries: 3, target: 'staging' },
  })
})

test('every wrong one is named, with what it must be', () => {
  expect(fieldsOf({ retries: '3', dry: 'yes', target: 'stagin', tagg: 'x' })).toEqual({
    'variables.retries': 'must be a number',
    'variables.dry': 'must be true or false',
    'variables.target': 'must be one of staging, production',
    'variables.tagg': 'is no parameter of this pipeline; did you mean tag?',
    'variables.tag': 'is required',
  })
})

test('a pipeline that declares none takes any, but for the name that is the engine’s', () => {
  expect(fieldsOf({ anything: { at: ['all'] } }, {})).toEqual({ anything: { at: ['all'] } })
  expect(Object.keys(fieldsOf({ __jobID: 'x' }, {}))).toEqual(['variables.__jobID'])
})

test('what is too large, too deep or no text is refused in words', () => {
  const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`) as unknown
  expect(fieldsOf({ deep }, {})).toEqual({ 'variables.deep': 'is at most 100 levels deep' })
  expect(fieldsOf({ nul: 'a\0', half: { '\ud800': 1 } }, {})).toEqual({
    'variables.nul': 'must not contain a NUL character or half a surrogate pair',
    'variables.half': 'must not contain a NUL character or half a surrogate pair',
  })
  expect(Object.keys(fieldsOf({ big: 'x'.repeat(300_000) }, {}))).toEqual(['variables'])
})
