import { expect, test } from 'vitest'
import { atOnce } from '../lib/slices.ts'
import { comesFromDefaults, joinDefaults } from './batch-defaults.ts'
import type { BatchDocument } from './batch-document.ts'
import { membersOf } from './batch-members.ts'
import { overTemplate, secretPlaces } from './batch-template.ts'

const members = (document: BatchDocument) => {
  const found = atOnce(membersOf(document))
  expect(found.problems).toEqual([])
  return [...found.members]
}
const refused = (document: BatchDocument) => atOnce(membersOf(document)).problems.map(({ field }) => field)

test('defaults: some fields are joined, others replaced', () => {
  const defaults = {
    env: { A: '1', B: '1' },
    labels: { app: 'x' },
    limits: { pids: 5, cpu: 1 },
    queue: 'slow',
    retry: { factor: 2, jitter: 0 },
  }
  expect(joinDefaults(defaults, { env: { B: '2' }, limits: { cpu: 2 }, queue: 'fast', retry: { factor: 3 } })).toEqual({
    env: { A: '1', B: '2' },
    labels: { app: 'x' },
    limits: { pids: 5, cpu: 2 },
    queue: 'fast',
    retry: { factor: 3 },
  })
  expect(defaults.env.B).toBe('1')
})

test('defaults: what a job cannot have twice is the member’s', () => {
  expect(joinDefaults({ delay_seconds: 5 }, { not_before: 'x' })).toEqual({ not_before: 'x' })
  expect(joinDefaults({ env: { TOKEN: 'a', B: 'b' } }, { secret_env: { TOKEN: 's' } })).toEqual({
    env: { B: 'b' },
    secret_env: { TOKEN: 's' },
  })
  expect(joinDefaults({ env: { A: 'a' } }, { env: 'wrong' })).toEqual({ env: 'wrong' })
})

test.each([
  ['queue', true],
  ['env.A', true],
  ['env.B', false],
  ['env', false],
  ['limits.cpu', false],
  ['command', false],
])('whose mistake is %s', (field, ofDefaults) => {
  const defaults = { queue: 'X', env: { A: '1' }, limits: { pids: 1 } }
  expect(comesFromDefaults(defaults, { env: { B: '1' }, limits: { cpu: 1 } }, field)).toBe(ofDefaults)
})

test('jobs first, then the matrix; its values are in the environment and in a name that would be the same for all', () => {
  const found = members({
    jobs: [{ command: ['a'] }],
    matrix: { browser: ['chrome', 'firefox'] },
    job: { name: 'ui', command: ['test', '{{browser}}', '{{index}}'], env: { X: '1' } },
  })
  expect(found.map(({ raw }) => raw)).toEqual([
    { command: ['a'] },
    { name: 'ui (chrome)', command: ['test', 'chrome', '1'], env: { X: '1', MATRIX_BROWSER: 'chrome' } },
    { name: 'ui (firefox)', command: ['test', 'firefox', '2'], env: { X: '1', MATRIX_BROWSER: 'firefox' } },
  ])
  expect(found.map(({ matrix }) => matrix)).toEqual([undefined, { browser: 'chrome' }, { browser: 'firefox' }])
})

test('a name of its own stays, and so does a variable of that name', () => {
  const [first] = members({
    matrix: { a: ['x'] },
    job: { name: 'n-{{a}}', command: ['t'], env: { MATRIX_A: 'own' } },
  })
  expect(first!.raw).toMatchObject({ name: 'n-x', env: { MATRIX_A: 'own' } })
  const [secret] = members({ matrix: { a: ['x'] }, job: { command: ['t'], secret_env: { MATRIX_A: 'own' } } })
  expect(secret!.raw).toEqual({ name: 't (x)', command: ['t'], secret_env: { MATRIX_A: 'own' }, env: {} })
})

test('a plain list is taken as it is; with parameters it is filled', () => {
  const jobs = [{ command: ['docker', 'ps', '--format', '{{.ID}}'] }]
  expect(members({ jobs })[0]).toMatchObject({ raw: jobs[0], problems: [] })
  expect(members({ jobs, params: {} })[0]!.problems).toMatchObject([{ field: 'command[3]' }])
})

test('a mistake is told where it was made', () => {
  const [first] = members({ defaults: { queue: 'X' }, jobs: [{ priority: 99 }] })
  expect([first!.placeOf('queue'), first!.placeOf('priority'), first!.placeOf('')]).toEqual([
    { field: 'defaults.queue', suffix: '', shared: true },
    { field: 'jobs[0].priority', suffix: '', shared: false },
    { field: 'jobs[0]', suffix: '', shared: false },
  ])
  const [of] = members({
    defaults: { queue: 'X' },
    matrix: { p: [11], q: ['a'] },
    job: { priority: '{{p}}', name: 'n' },
  })
  expect([of!.placeOf('queue'), of!.placeOf('priority'), of!.placeOf('command')]).toEqual([
    { field: 'defaults.queue', suffix: '', shared: true },
    { field: 'matrix[0].priority', suffix: ' (p=11, q=a)', shared: false },
    { field: 'job.command', suffix: '', shared: true },
  ])
})

test.each<[string[], BatchDocument]>([
  [['jobs'], {}],
  [['jobs'], { jobs: [] }],
  [['job'], { matrix: { a: [1] } }],
  [['job'], { job: { command: ['a'] } }],
  [['exclude'], { jobs: [{}], exclude: [{ a: 1 }] }],
  [['matrix'], { matrix: { a: [1] }, exclude: [{ a: 1 }], job: {} }],
  [['jobs'], { matrix: { a: ['1..9999'] }, job: {}, jobs: [{}, {}] }],
])('refused at %j: %j', (fields, document) => {
  expect(refused(document)).toEqual(fields)
})

test('what is given goes over a template: objects are joined, lists replaced', () => {
  const template: BatchDocument = {
    name: 'nightly',
    params: { a: 1, b: 2 },
    matrix: { os: ['x', 'y'], n: ['1..9'] },
    job: { command: ['t'], env: { A: '1' } },
    notify: [{ channel: 'team', on: ['ended'] }],
  }
  expect(
    overTemplate(template, { params: { b: 3 }, matrix: { n: [1] }, job: { env: { B: '2' } }, notify: [] }),
  ).toEqual({
    name: 'nightly',
    params: { a: 1, b: 3 },
    matrix: { os: ['x', 'y'], n: [1] },
    job: { command: ['t'], env: { A: '1', B: '2' } },
    notify: [],
  })
})

test('secrets of a body are found wherever they are', () => {
  const secret_env = { T: 's' }
  expect(secretPlaces({ defaults: { secret_env }, jobs: [{}, { secret_env }], job: { secret_env } })).toEqual([
    'defaults.secret_env',
    'job.secret_env',
    'jobs[1].secret_env',
  ])
})
