import { expect, test } from 'vitest'
import { labelList, labelText } from './labels.ts'
import { jobSpecSchema } from './spec.ts'

function problems(spec: object): string[] {
  const result = jobSpecSchema.safeParse({ command: ['true'], ...spec })
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
}
const db = { app: 'db' }
const labels = (count: number, length: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v'.repeat(length)]))

test('what is written is kept; a rule is a requirement unless it says otherwise', () => {
  const spec = jobSpecSchema.parse({
    command: ['true'],
    labels: { app: 'web', 'team/x': '' },
    placement: {
      strategy: 'pack',
      avoid_labels: { kind: 'spot' },
      affinity: { labels: db },
      anti_affinity: { labels: { app: 'web' }, required: false },
    },
  })
  expect(spec.labels).toEqual({ app: 'web', 'team/x': '' })
  expect(spec.placement).toEqual({
    strategy: 'pack',
    avoid_labels: { kind: 'spot' },
    affinity: { labels: db, required: true },
    anti_affinity: { labels: { app: 'web' }, required: false },
  })
  expect(problems({ placement: {} })).toEqual([])
})

test.each<[string, object, RegExp]>([
  ['an unknown field', { placement: { near: db } }, /^placement: Unrecognized key: "near"/],
  ['an unknown strategy', { placement: { strategy: 'random' } }, /^placement\.strategy: .*"spread"/],
  ['a list of labels', { labels: ['app=db'] }, /^labels: /],
  ['a label that is a number', { labels: { app: 1 } }, /^labels\.app: /],
  ['a label name with a space', { labels: { 'my app': 'x' } }, /^labels\.my app: is no label name: it has letters/],
  ['a value with a NUL', { labels: { app: 'a\0' } }, /^labels\.app: has a value that no label can have: letters/],
  ['a long name', { labels: { ['k'.repeat(64)]: '' } }, /: is a label name of 64 characters: it has at most 63$/],
  ['a long value', { labels: { app: 'v'.repeat(70) } }, /^labels\.app: has a value of 70 characters: .* at most 63$/],
  ['33 labels', { labels: labels(33, 1) }, /^labels: at most 32 labels/],
  ['affinity without labels', { placement: { affinity: {} } }, /^placement\.affinity\.labels: /],
  [
    'affinity to nothing',
    { placement: { affinity: { labels: {} } } },
    /^placement\.affinity\.labels: must name at least one/,
  ],
  [
    'anti-affinity to nothing',
    { placement: { anti_affinity: { labels: {} } } },
    /^placement\.anti_affinity\.labels: must/,
  ],
  ['an unknown field of a rule', { placement: { affinity: { labels: db, weight: 3 } } }, /^placement\.affinity: Unrec/],
  [
    'a label required and avoided',
    { required_labels: { zone: 'a' }, placement: { avoid_labels: { zone: 'a' } } },
    /^placement\.avoid_labels: zone=a is in required_labels too/,
  ],
  [
    'near and apart from the same jobs',
    { placement: { affinity: { labels: { app: 'db', tier: '1' } }, anti_affinity: { labels: db } } },
    /^placement\.anti_affinity: every job that affinity asks for/,
  ],
  ['rules that no index holds', { required_labels: labels(32, 63) }, /^required_labels: .*at most 2048 bytes/],
  [
    'the same, together',
    {
      required_labels: labels(14, 63),
      placement: { avoid_labels: labels(10, 60), affinity: { labels: labels(10, 60) } },
    },
    /^placement: all labels that say where/,
  ],
])('%s is refused', (_, spec, expected) => {
  expect(problems(spec).join('\n')).toMatch(expected)
})

test.each<[string, object]>([
  [
    'near the narrow kind, apart from the wide one that it is not',
    { affinity: { labels: db }, anti_affinity: { labels: { app: 'db', tier: '1' } } },
  ],
  [
    'near a kind, and rather not beside it',
    { affinity: { labels: db }, anti_affinity: { labels: db, required: false } },
  ],
  ['another value of a required label', { avoid_labels: { zone: 'b' } }],
])('%s can be satisfied', (_, placement) => {
  expect(problems({ required_labels: { zone: 'a' }, placement })).toEqual([])
})

test.each([
  ['app=db', true],
  ['app=', true],
  ['a.b/c-d_e=1.2/3', true],
  ['app', false],
  ['=db', false],
  ['app=d b', false],
  ['app=a=b', false],
  ['app=db\n', false],
])('%j as the text of a label: %s', (text, good) => {
  expect(labelText.safeParse(text).success).toBe(good)
})

test('labels in one order', () => {
  expect(labelList({ b: '1', a: '2' })).toEqual(['a=2', 'b=1'])
  expect(labelList(undefined)).toEqual([])
})
