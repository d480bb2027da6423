import { expect, test } from 'vitest'
import { isAppError } from '../lib/app-error.ts'
import { problemLines } from './batch-errors.ts'
import { parseBatchFile } from './batch-file.ts'

const refusal = (text: string): string => {
  try {
    parseBatchFile(text, 'b.yml')
    return 'taken'
  } catch (error) {
    if (!isAppError(error)) throw error
    return error.message
  }
}

test('YAML and JSON by their content', () => {
  const jobs = [{ name: 'a', command: ['x'] }]
  expect(parseBatchFile(JSON.stringify({ name: 'n', jobs }), 'x').body).toEqual({ name: 'n', jobs })
  expect(parseBatchFile('name: n\njobs:\n  - { name: a, command: [x] }\n', 'x').body).toEqual({ name: 'n', jobs })
  // Both at once: YAML has all of JSON.
  expect(parseBatchFile('{"name": n, jobs: []} # yes', 'x').body).toEqual({ name: 'n', jobs: [] })
  expect(parseBatchFile('a: &x [1]\nb: *x', 'x').body).toEqual({ a: [1], b: [1] })
})

const laughs = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`)

test.each([
  ['a: 1\nb:\n  c: 1\n  c: 2\n', 'b.yml:4:3: c is given twice'],
  ['{"a": 1,\n "a": 2}', 'b.yml:2:2: a is given twice'],
  ['{"a": {"__proto__": 1, "__proto__": 2}}', 'b.yml:1:24: __proto__ is given twice'],
  ['a: !!js/function x', 'b.yml:1:18: no tags here (tag:yaml.org,2002:js/function)'],
  ['a: !mine [1]', 'b.yml:1:10: no tags here (!mine)'],
  [`l0: &l0 [x]\n${laughs.join('\n')}`, expect.stringMatching(/^b\.yml: Excessive alias count/)],
  ['a: [1\nb: 2', expect.stringMatching(/^b\.yml:2:\d: /)],
  ['{"a": 1', expect.stringMatching(/^b\.yml:1:\d: /)],
  ['a: 1\n---\nb: 1', 'b.yml:2:1: one document a file: a second begins here'],
  ['? [a]\n: 1', 'b.yml:1:3: a name must be a text'],
  ['- 1', expect.stringMatching(/^b\.yml:1:1: must be an object/)],
  ['', expect.stringMatching(/^b\.yml:1:1: must be an object/)],
])('%j is refused at its place', (text, message) => {
  expect(refusal(text)).toEqual(message)
})

const text = `name: n
defaults:
  queue: Wrong
jobs:
  - command: [a]
    env:
      a.b: x
      a: y
matrix:
  p: ["1..3"]
job:
  command:
    - x
    - y
`

test.each([
  ['jobs[0].env.a.b', 'b.yml:7:7'],
  ['jobs[0].env.a', 'b.yml:8:7'],
  ['jobs[0].command[0]', 'b.yml:5:15'],
  ['jobs[0].priority', 'b.yml:5:5'],
  ['jobs[7]', 'b.yml:4:1'],
  ['defaults.queue', 'b.yml:3:3'],
  ['matrix.p[0]', 'b.yml:10:7'],
  ['nothing', 'b.yml:1:1'],
])('%s is at %s', (field, place) => {
  expect(parseBatchFile(text, 'b.yml').placeOf(field)).toBe(place)
})

test('JSON has places too, once they are asked for', () => {
  expect(parseBatchFile('{\n "jobs": [\n  {"command": []}\n ]\n}', 'b.json').placeOf('jobs[0].command')).toBe(
    'b.json:3:4',
  )
})

test('problems at their lines; the jobs of a matrix share theirs, defaults have their own', () => {
  const file = parseBatchFile(text, 'b.yml')
  const wrong = (k: number) => ({ field: `matrix[${k}].command[1]`, message: `is wrong (p=${k + 1})` })
  expect(problemLines([{ field: 'jobs[0].env.a.b', message: 'no' }, wrong(0), wrong(1), wrong(2)], file)).toEqual([
    'b.yml:7:7: jobs[0].env.a.b: no',
    'b.yml:14:7: matrix[0].command[1]: is wrong (p=1) (and 2 jobs like it)',
  ])
  expect(problemLines([{ field: 'matrix[2].queue', message: 'no (p=3)' }], file)).toEqual([
    'b.yml:3:3: matrix[2].queue: no (p=3)',
  ])
  const many = Array.from({ length: 30 }, (_, i) => ({ field: `jobs[${i}]`, message: 'no' }))
  expect(problemLines(many, undefined)).toHaveLength(21)
  expect(problemLines(many, undefined).at(-1)).toBe('and 10 more; --json has all of them')
})
