import { expect, test } from 'vitest'
import { show } from './config.ts'

test('a value is shown the way it is set', () => {
  expect([[], ['/a', '/b'], {}, { gpu: 'a100', zone: 'b' }, null, 0, false].map(show)).toEqual([
    '(none)',
    '/a,/b',
    '(none)',
    'gpu=a100,zone=b',
    '-',
    '0',
    'false',
  ])
})
