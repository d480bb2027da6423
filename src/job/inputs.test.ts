import { expect, test } from 'vitest'
import { inputsSchema, labelsOfInputs, placeOfInput, shareOfLabel } from './inputs.ts'
import { junitPaths } from './junit-paths.ts'

test('an input has one place, however its path is written', () => {
  const inputs = inputsSchema.parse([{ share: 'a' }, { share: 'b', path: './x//y/' }, { share: 'b', path: 'x/yz' }])
  expect(inputs.map(placeOfInput)).toEqual(['/inputs/a', '/inputs/b/x/y', '/inputs/b/x/yz'])
  expect(labelsOfInputs(inputs)).toEqual({ 'input.a': 'yes', 'input.b': 'yes' })
  expect([shareOfLabel('input.a.b=yes'), shareOfLabel('gpu=yes')]).toEqual(['a.b', null])
})

test.each([
  [[{ share: 'A' }], 'lower-case'],
  [[{ share: 'a', path: '/x' }], 'inside the share'],
  [[{ share: 'a', path: 'x/../y' }], '..'],
  [[{ share: 'a', path: 'x\0' }], 'NUL'],
  [[{ share: 'a' }, { share: 'a', path: 'x' }], 'is a part of inputs[0]'],
  [
    [
      { share: 'a', path: 'x' },
      { share: 'a', path: 'x' },
    ],
    'is a part of inputs[0]',
  ],
  [[{ share: 'a', mode: 'rw' }], 'mode'],
])('refused: %j', (inputs, why) => {
  const read = inputsSchema.safeParse(inputs)
  expect(read.success).toBe(false)
  expect(read.error!.message).toContain(why)
})

test('where reports may be', () => {
  expect(junitPaths.parse(['reports/*.xml', '/tmp/**/r.xml'])).toHaveLength(2)
  for (const wrong of ['', '../x.xml', 'a/../b.xml', 'reports/', 'a\0', 'a\nb']) {
    expect(junitPaths.safeParse([wrong]).success).toBe(false)
  }
  expect([junitPaths.safeParse([]).success, junitPaths.safeParse(Array(21).fill('a')).success]).toEqual([false, false])
})
