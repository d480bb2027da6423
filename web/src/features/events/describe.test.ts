import { expect, test } from 'vitest'
import { afterText, effectText, spanText, whenText } from './describe.ts'

test('an action in words: when, how often, and what', () => {
  expect(whenText({ name: 'a', do: { rerun: {} } })).toBe('When it completes')
  expect(
    whenText({
      name: 'a',
      on: 'failure',
      if: 'outcome.exit_code == 3',
      delay_seconds: 300,
      repeat: { times: 4, every_seconds: 90, until: 'outcome.success' },
      do: { rerun: {} },
    }),
  ).toBe('When it fails, if outcome.exit_code == 3, after 5 m, up to 4 times, every 90 s, until outcome.success')
  expect(effectText({ message: { channel: 'team' } })).toBe('Send a message to team')
  expect(effectText({ message: { channel: '' } })).toBe('Send a message')
  expect(effectText({ webhook: { url: 'https://x' } })).toBe('Call a webhook: GET https://x')
  expect(effectText({ set_variable: { name: 'n', operation: 'increment' } })).toBe('Change a variable: increment n')
  expect([1, 90, 120, 7200, 172_800].map(spanText)).toEqual(['1 s', '90 s', '2 m', '2 h', '2 d'])
})

test('what it follows in words', () => {
  expect(afterText({ pipeline: 'nightly', on: ['succeeded', 'failed'] })).toBe(
    'When the pipeline nightly succeeds or fails',
  )
  expect(afterText({ event: '' })).toBe('When something succeeds')
})
