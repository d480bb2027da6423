import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { atOnce } from '../lib/slices.ts'
import { parseRange, rangeValues } from './matrix-range.ts'
import { expandMatrix, type Combination, type Matrix } from './matrix.ts'

const expand = (matrix: Matrix): Combination[] => {
  const expanded = atOnce(expandMatrix(matrix))
  if ('problems' in expanded) throw new Error(JSON.stringify(expanded.problems))
  return expanded.combinations
}
const refused = (matrix: Matrix): [string, string][] => {
  const expanded = atOnce(expandMatrix(matrix))
  return 'problems' in expanded ? expanded.problems.map(({ field, message }) => [field, message]) : []
}

test('every value with every other, the first axis slowest', () => {
  expect(expand({ matrix: { os: ['a', 'b'], n: ['1..2'] } })).toEqual([
    { os: 'a', n: 1 },
    { os: 'a', n: 2 },
    { os: 'b', n: 1 },
    { os: 'b', n: 2 },
  ])
})

test.each([
  ['1..3', [1, 2, 3]],
  ['3..1', [3, 2, 1]],
  ['-1..1', [-1, 0, 1]],
  ['08..11', ['08', '09', '10', '11']],
  ['002..001', ['002', '001']],
  ['5..5', [5]],
])('the range %s', (text, values) => {
  expect(rangeValues(parseRange(text)!)).toEqual(values)
})

test.each(['1...3', '1..', 'a..b', '1.5..2', '..', ' 1..2', 1, true])('%j is a value, no range', (value) => {
  expect(parseRange(value)).toBeUndefined()
})

test('exclude leaves out what agrees with all that it names, whatever the type, and ranges', () => {
  const matrix = { os: ['a', 'b'], n: ['1..4'] }
  expect(expand({ matrix, exclude: [{ os: 'a', n: '2..4' }, { n: '3' }] })).toEqual([
    { os: 'a', n: 1 },
    { os: 'b', n: 1 },
    { os: 'b', n: 2 },
    { os: 'b', n: 4 },
  ])
})

test('include: the worked example of the best known CI documentation', () => {
  const combinations = expand({
    matrix: { fruit: ['apple', 'pear'], animal: ['cat', 'dog'] },
    include: [
      { color: 'green' },
      { color: 'pink', animal: 'cat' },
      { fruit: 'apple', shape: 'circle' },
      { fruit: 'banana' },
      { fruit: 'banana', animal: 'cat' },
    ],
  })
  expect(combinations).toEqual([
    { fruit: 'apple', animal: 'cat', color: 'pink', shape: 'circle' },
    { fruit: 'apple', animal: 'dog', color: 'green', shape: 'circle' },
    { fruit: 'pear', animal: 'cat', color: 'pink' },
    { fruit: 'pear', animal: 'dog', color: 'green' },
    { fruit: 'banana' },
    { fruit: 'banana', animal: 'cat' },
  ])
})

test('include alone is a list of combinations', () => {
  expect(expand({ include: [{ a: 1 }, { a: 2, b: 'x' }] })).toEqual([{ a: 1 }, { a: 2, b: 'x' }])
})

describe('refused', () => {
  test('a million combinations, before one of them is made', () => {
    const began = performance.now()
    expect(refused({ matrix: { a: ['1..1000'], b: ['1..1000'] } })).toEqual([
      ['matrix', 'makes 1,000,000 combinations; a batch has at most 10,000 jobs'],
    ])
    expect(refused({ matrix: { a: ['1..999999999'] } })[0]![1]).toMatch(/^makes 999,999,999 /)
    expect(performance.now() - began).toBeLessThan(100)
  })

  test('work without end', () => {
    const exclude = Array.from({ length: 1001 }, (_, i) => ({ a: i }))
    expect(refused({ matrix: { a: ['1..10000'] }, exclude })[0]![0]).toBe('exclude')
  })

  test.each<[Matrix, string, RegExp]>([
    [{ matrix: { os: ['a'] }, exclude: [{ oss: 'a' }] }, 'exclude[0].oss', /is no axis; they are: os/],
    [{ matrix: { os: ['a'] }, exclude: [{}] }, 'exclude[0]', /would leave all out/],
    [{ matrix: { os: ['a'] }, include: [{ 'a-b': 1 }] }, 'include[0].a-b', /no name of an axis/],
    [{ matrix: { os: ['a'], OS: ['a'] } }, 'matrix.OS', /MATRIX_OS/],
    [{ matrix: { os: ['a', 'b', 'a'] } }, 'matrix.os', /^has a twice$/],
    [{ matrix: { n: ['1..3', 2] } }, 'matrix.n', /^has 2 twice$/],
    [{ matrix: { os: ['a'] }, exclude: [{ os: 'b' }] }, 'exclude[0].os', /no value of os is b/],
    [{ matrix: { os: [] } }, 'matrix.os', /must not be empty/],
    [{ matrix: { a: ['1..9999'] }, include: [{ a: 0 }, { a: -1 }] }, 'include', /10,001/],
  ])('%j', (matrix, field, message) => {
    expect(refused(matrix)).toEqual([[field, expect.stringMatching(message)]])
  })
})

const scalar = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('x', 'y', '1..3'))
const axes = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.uniqueArray(scalar, { minLength: 1, maxLength: 3 }), {
  minKeys: 1,
})

test('properties: as many as the product, each agrees with the axes, and exclude takes away exactly what agrees', () => {
  fc.assert(
    fc.property(axes, fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 3 }), (matrix, axis, value) => {
      const values = (name: string) =>
        matrix[name]!.flatMap((each) => (parseRange(each) ? rangeValues(parseRange(each)!) : [each]))
      if (Object.keys(matrix).some((name) => new Set(values(name).map(String)).size < values(name).length)) {
        expect(refused({ matrix })[0]![1]).toMatch(/twice$/)
        return
      }
      const all = expand({ matrix })
      const product = Object.keys(matrix).reduce((size, name) => size * values(name).length, 1)
      expect(all).toHaveLength(product)
      for (const one of all) for (const [name, its] of Object.entries(one)) expect(values(name)).toContain(its)
      if (!Object.hasOwn(matrix, axis)) return
      if (!values(axis).map(String).includes(String(value))) {
        expect(refused({ matrix, exclude: [{ [axis]: value }] })).toMatchObject([
          [`exclude[0].${axis}`, expect.stringMatching(/no value/)],
        ])
        return
      }
      const left = expand({ matrix, exclude: [{ [axis]: value }] })
      expect(left).toEqual(all.filter((one) => String(one[axis]) !== String(value)))
    }),
    { numRuns: 200 },
  )
})
