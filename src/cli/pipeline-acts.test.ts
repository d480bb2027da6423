import { expect, test } from 'vitest'
import { unitNamed } from './pipeline-acts.ts'

test('an instance is named as the table of tasks names it, or by --item', () => {
  expect(['e[1]', 'a b[10]', 'e', 'e[x]'].map((text) => unitNamed(text))).toEqual([
    ...[{ task: 'e', item: 1 }, { task: 'a b', item: 10 }, { task: 'e' }, { task: 'e[x]' }],
  ])
  expect(unitNamed('e', 2)).toEqual({ task: 'e', item: 2 })
})
