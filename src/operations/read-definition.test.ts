import { expect, test } from 'vitest'
import type { Json } from '../lib/json.ts'
import { readDefinition } from './read-definition.ts'

const minute = { name: 'minute', every_seconds: 60 }

test('a definition without mistakes is read as it is', () => {
  const read = readDefinition({ kind: 'bash', script: 'true', schedules: [minute] })
  expect(read.problems).toEqual([])
  expect(read.definition).toMatchObject({ script: 'true', schedules: [minute] })
})

test('what is wrong is told at its place, and all the rest is still read', () => {
  const actions: Json[] = [
    { name: 'a', do: { message: {} } },
    { name: 'b', if: 'output.', do: { rerun: {} } },
  ]
  const { definition, problems, givenField } = readDefinition({
    ...{ kind: 'python', max_attempts: 'abc', colour: 'red' },
    schedules: [{ name: 'none' }, { name: 'x', cron: 7 }, { name: 'y', cron: '61 * * * *' }],
    actions,
  })
  expect(problems.map(({ field }) => field).toSorted()).toEqual([
    ...['actions[0].do.message.channel', 'colour', 'max_attempts', 'schedules[0]', 'schedules[1].cron', 'script'],
  ])
  expect(definition).toMatchObject({ schedules: [{ name: 'y' }], actions: [{ name: 'b' }] })
  expect(givenField('schedules[0].cron')).toBe('schedules[2].cron')
  expect(givenField('actions[0].if')).toBe('actions[1].if')
  expect(givenField('request')).toBe('request')
})

test.each([null, 'text', [], 7])('%j is no definition', (given) => {
  const { definition, problems } = readDefinition(given)
  expect(definition).toBeNull()
  expect(problems.length).toBeGreaterThan(0)
})
