import { expect, test } from 'vitest'
import type { Tool } from '../../lib/api.ts'
import { actionFor, actionsOf, joined, othersOf } from './template-form.ts'

const action = (name: string, ...fields: string[]) => ({
  ...{ name, title: name, description: '', example: {} },
  input: { properties: Object.fromEntries(fields.map((field) => [field, {}])) },
})
const tool = (name: string, ...actions: object[]) => ({ name, title: name, description: '', credentials: {}, actions })
const actions = actionsOf([
  tool('slack', action('send', 'text', 'blocks')),
  tool('email', action('send', 'text', 'html', 'to')),
  tool('webhook', action('send', 'text'), action('post', 'body')),
] as unknown as Tool[])

test('the form is that of the action which knows most of the fields', () => {
  expect(actions.map(({ label }) => label)).toEqual(['slack', 'email', 'webhook: send', 'webhook: post'])
  expect(actionFor(actions, {})?.key).toBe('slack send')
  expect(actionFor(actions, { text: 'x', html: 'y' })?.key).toBe('email send')
  expect(actionFor(actions, { body: {} })?.key).toBe('webhook post')
  expect(actionFor([], { text: 'x' })).toBeUndefined()
})

test('fields of other tools stay when those of one are changed', () => {
  const slack = actions[0]!
  const input = { text: 'x', html: '<b>' }
  expect(othersOf(input, slack)).toEqual({ html: '<b>' })
  expect(joined({ ...input, text: 'y' }, { html: '<i>' }, slack)).toEqual({ text: 'y', html: '<i>' })
  expect(othersOf(input, undefined)).toEqual(input)
})
