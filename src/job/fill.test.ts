import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { fill, isTyped } from './fill.ts'
import { jobSpecSchema } from './spec.ts'

const values = { matrix: { browser: 'chrome', shard: 3, on: true }, params: { branch: 'main', prio: '7' }, index: 4 }
const filled = (template: unknown) => {
  const { value, problems } = fill(template, values)
  expect(problems).toEqual([])
  return value
}

test('names of the matrix, of the parameters and the index, in every text at every depth', () => {
  expect(
    filled({
      name: '{{matrix.browser}} {{ shard }}/{{index}}',
      command: ['run', '--branch={{params.branch}}', '{{index}}'],
      env: { ON: '{{on}}' },
      labels: { 'app/{{x}}': '{{browser}}' },
      priority: 3,
    }),
  ).toEqual({
    name: 'chrome 3/4',
    command: ['run', '--branch=main', '4'],
    env: { ON: 'true' },
    labels: { 'app/{{x}}': 'chrome' },
    priority: 3,
  })
})

test('the whole value of a number field is a number, also from a command line; a text field stays text', () => {
  expect(
    filled({
      priority: '{{params.prio}}',
      timeout_seconds: '{{shard}}',
      limits: { pids: '{{ shard }}' },
      env: { A: '{{shard}}' },
    }),
  ).toEqual({ priority: 7, timeout_seconds: 3, limits: { pids: 3 }, env: { A: '3' } })
  expect(filled({ payload: { a: ['{{shard}}', '{{params.prio}}', '{{on}}', 'x{{shard}}'] } })).toEqual({
    payload: { a: [3, '7', true, 'x3'] },
  })
})

test('a literal {{, a brace before a placeholder', () => {
  expect(filled(['{{{{.ID}}', '{{{{matrix.browser}}', '{{{browser}}}', '}} {x} {'])).toEqual([
    '{{.ID}}',
    '{{matrix.browser}}',
    '{chrome}',
    '}} {x} {',
  ])
})

test.each([
  ['{{matrix.os}}', /^\{\{matrix\.os\}\} is not known here; there are: matrix\.browser, .*params\.prio, index;/],
  ['{{constructor.constructor("x")()}}', /is not known here/],
  ['{{matrix.constructor}}', /is not known here/],
  ['{{matrix.__proto__}}', /is not known here/],
  ['{{params.toString}}', /is not known here/],
  ['{{1+1}}', /is not known here/],
  ['{{}}', /is not known here/],
  ['a {{ b', /without its \}\}/],
])('%s is an error with its place', (text, message) => {
  expect(fill({ command: ['a', text] }, values).problems).toEqual([
    { field: 'command[1]', message: expect.stringMatching(message) },
  ])
})

test('row Y3: a value is never looked at again', () => {
  const text = fc.string({ unit: fc.constantFrom('{', '}', '{{index}}', '{{params.b}}', '{{{{', 'x') })
  fc.assert(
    fc.property(text, text, (a, b) => {
      const { value, problems } = fill(['{{params.a}}', '<{{params.a}}{{params.b}}>'], {
        matrix: {},
        params: { a, b },
        index: 1,
      })
      expect([value, problems]).toEqual([[a, `<${a}${b}>`], []])
    }),
  )
})

test('what has no brace is given back as it is; depth without end is no stack overflow', () => {
  fc.assert(
    fc.property(
      fc.json().filter((json) => !json.includes('{{')),
      (json) => {
        expect(fill(JSON.parse(json), values)).toEqual({ value: JSON.parse(json), problems: [] })
      },
    ),
  )
  let deep: unknown = '{{index}}'
  for (let i = 0; i < 100_000; i += 1) deep = [deep]
  expect(fill(deep, values).problems).toEqual([])
})

interface Node {
  type?: string
  properties?: Record<string, Node>
  items?: Node
  additionalProperties?: Node | boolean
}

test('the typed fields are those of the schema', () => {
  const wrong: string[] = []
  const walk = (node: Node, path: string[]): void => {
    const typed = ['number', 'integer', 'boolean'].includes(node.type ?? '')
    const text = node.type === 'string'
    if ((typed || text) && isTyped(path) !== typed) wrong.push(path.join('.'))
    for (const [key, inner] of Object.entries(node.properties ?? {})) if (key !== 'payload') walk(inner, [...path, key])
    if (node.items) walk(node.items, [...path, '0'])
    if (typeof node.additionalProperties === 'object') walk(node.additionalProperties, [...path, 'x'])
  }
  walk(z.toJSONSchema(jobSpecSchema, { io: 'input', unrepresentable: 'any' }) as Node, [])
  expect(wrong).toEqual([])
})
