import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { runningServer, type Person, type TestServer } from '../../test/running-server.ts'

/** Places at which others could have had their turn: counted, since how long they wait is the machine's affair. */
const pauses = vi.hoisted(() => ({ seen: 0 }))
vi.mock(import('../lib/slices.ts'), async (original) => {
  const { inSlices, ...others } = await original()
  function* counted<T>(work: Generator<void, T>): Generator<void, T> {
    for (;;) {
      const step = work.next()
      if (step.done) return step.value
      pauses.seen += 1
      yield
    }
  }
  return { ...others, inSlices: (work) => inSlices(counted(work)) }
})

let server: TestServer
let anna: Person
let bert: Person
let viewer: Person
beforeAll(async () => {
  server = await runningServer()
  ;[anna, bert, viewer] = await Promise.all([
    server.person('operator', 'anna'),
    server.person('operator', 'bert'),
    server.person('viewer', 'vera'),
  ])
  await Promise.all(['slow', 'q'].map((name) => server.client.calls.queues.put({ name })))
})
afterAll(() => server.close())

type Preview = Parameters<typeof server.client.calls.batches.preview>[0]
const preview = (input: Preview, who: Person = anna) => who.client.calls.batches.preview(input)
const errorsOf = async (input: Preview) =>
  (await preview(input)).errors.map(({ field, message }) => `${field}: ${message}`)

test('the example of the seed, word for word', async () => {
  const seen = await preview({
    name: 'nightly-ui-suite',
    description: '500 chromium tests',
    jobs: [
      { name: 'test-1', command: ['pytest', 'tests/test_1.py'] },
      { name: 'test-2', command: ['pytest', 'tests/test_2.py'] },
    ],
  })
  expect(seen).toEqual({
    total: 2,
    jobs: [
      { index: 0, name: 'test-1', command: ['pytest', 'tests/test_1.py'] },
      { index: 1, name: 'test-2', command: ['pytest', 'tests/test_2.py'] },
    ],
    errors: [],
  })
})

test('defaults, matrix and parameters', async () => {
  const seen = await preview({
    name: 'ui {{params.branch}}',
    params: { branch: 'main' },
    defaults: { queue: 'slow', env: { BRANCH: '{{params.branch}}' } },
    matrix: { browser: ['chrome', 'firefox'], shard: ['01..02'] },
    include: [{ browser: 'safari', shard: '01' }],
    exclude: [{ browser: 'chrome', shard: '02' }],
    job: { name: '{{browser}}-{{shard}}', command: ['t', '{{params.branch}}', '{{index}}'] },
    limit: 2,
  })
  expect(seen).toMatchObject({ total: 4, errors: [] })
  expect(seen.jobs).toEqual([
    { index: 0, name: 'chrome-01', command: ['t', 'main', '0'], matrix: { browser: 'chrome', shard: '01' } },
    { index: 1, name: 'firefox-01', command: ['t', 'main', '1'], matrix: { browser: 'firefox', shard: '01' } },
  ])
})

test('all that is wrong at once: the document, schema and policy, by index, what all share once', async () => {
  const seen = await errorsOf({
    defaults: { queue: 'Wrong!', colour: 'red' },
    jobs: [{ command: ['a'], priority: 99 }, { queue: 'q' }, { command: ['a'], queue: 'q', working_dir: '/etc' }],
    matrix: { p: ['10..11'] },
    job: { command: ['a', '{{p}}'], queue: 'q', priority: '{{p}}', env: { A: 1 } },
  })
  expect(seen).toEqual([
    'name: is required: what the batch is called',
    expect.stringMatching(/^defaults\.queue: a queue name/),
    'jobs[0].priority: must be 0 to 10',
    'defaults.colour: is not a known field',
    expect.stringMatching(/^jobs\[1\]\.command: is required/),
    expect.stringMatching(/^jobs\[2\]\.working_dir: must be one of these or below: \/workspace/),
    'job.env.A: must be text',
    'matrix[1].priority: must be 0 to 10 (p=11)',
  ])
})

test('no mistake hides another: of the document, of its jobs, names of queues and channels', async () => {
  const wrong = {
    ...{ nmae: 'x', matrix: { os: 'linux' }, params: { a: 1, b: {} }, job: { command: ['{{os}}'] } },
    notify: [{ channel: 'nobody', on: ['ended'] }],
    jobs: [7, { command: ['{{params.b}}'], queue: 'nosuch', priority: 11, working_dir: '/etc' }, { queue: 'q' }, null],
  } as unknown as Preview
  const seen = await errorsOf(wrong)
  expect(seen).toEqual([
    'matrix.os: must be a list',
    expect.stringMatching(/^params\.b: /),
    'nmae: is not a known field',
    'name: is required: what the batch is called',
    'jobs[0]: must be an object',
    'jobs[1].priority: must be 0 to 10',
    expect.stringMatching(/^jobs\[1\]\.working_dir: must be one of these or below: \/workspace/),
    expect.stringMatching(/^jobs\[1\]\.queue: there is no queue named nosuch/),
    expect.stringMatching(/^jobs\[2\]\.command: is required/),
    'jobs[3]: must be an object',
    expect.stringMatching(/^notify\[0\]\.channel: there is no channel nobody/),
  ])
  const refused = await anna.client.calls.batches.create(wrong).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'invalid_argument' })
  expect((refused as { fields: unknown[] }).fields).toHaveLength(seen.length)
})

test('a parameter that a template has not is refused, with what was probably meant', async () => {
  const body = { name: 'n', params: { priority: 3 }, jobs: [{ command: ['t', '{{params.target}}'] }] }
  await anna.client.calls.batchTemplates.put({ name: 'typed', body })
  expect(await errorsOf({ template: 'typed', params: { prioriti: 9, target: 'x', zzzzzz: 1 } })).toEqual([
    'params.prioriti: is no parameter of the template; did you mean priority?',
    'params.zzzzzz: is no parameter of the template; it has: priority, target',
  ])
  expect(await errorsOf({ template: 'typed', params: { target: 'x' } })).toEqual([])
  await anna.client.calls.batchTemplates.delete({ name: 'typed' })
})

test('unknown placeholders are named; values are never looked at again', async () => {
  expect(
    await errorsOf({ name: 'n', matrix: { a: ['x'] }, job: { command: ['c', '{{matrix.b}}', '{{params.p}}'] } }),
  ).toEqual([
    expect.stringMatching(
      /^matrix\[0\]\.command\[1\]: \{\{matrix\.b\}\} is not known here; there are: matrix\.a, index.*\(a=x\)$/,
    ),
    expect.stringMatching(/^matrix\[0\]\.command\[2\]: \{\{params\.p\}\} /),
  ])
  const again = await preview({
    name: 'n',
    params: { a: '{{params.b}}', b: 'x' },
    jobs: [{ command: ['{{params.a}}'] }],
  })
  expect(again).toMatchObject({ errors: [], jobs: [{ command: ['{{params.b}}'] }] })
})

test('of very many wrong jobs a thousand are named, and how many are not', async () => {
  const jobs = Array.from({ length: 1500 }, () => ({ command: ['a'], priority: 99 }))
  expect((await preview({ name: 'n', jobs })).errors).toHaveLength(1000)
  const refused = await anna.client.calls.batches.create({ name: 'n', jobs }).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'invalid_argument' })
  expect((refused as Error).message).toMatch(/^jobs\[0\]\.priority: .*\(and 1499 more, 500 of them not listed\)$/)
})

test('a million combinations are refused at once; of ten thousand each is a place to let others go first', async () => {
  const wide = { name: 'n', matrix: { a: ['1..1000'], b: ['1..1000'] }, job: { command: ['t'] } }
  pauses.seen = 0
  expect(await errorsOf(wide)).toEqual(['matrix: makes 1,000,000 combinations; a batch has at most 10,000 jobs'])
  expect(pauses.seen).toBeLessThan(10)
  const fan = { name: 'n', matrix: { a: ['1..100'], b: ['1..100'] }, job: { command: ['t', '{{a}}', '{{b}}'] } }
  expect(await preview(fan)).toMatchObject({ total: 10_000, errors: [] })
  // To expand, to fill in and to check.
  expect(pauses.seen).toBeGreaterThanOrEqual(20_000)
})

const examples = new URL('../../examples/batches/', import.meta.url)
test('the examples are right', async () => {
  const totals: Record<string, number> = {}
  for (const file of await readdir(examples)) {
    const seen = await preview(parse(await readFile(new URL(file, examples), 'utf8')) as Preview)
    expect([file, seen.errors]).toEqual([file, []])
    totals[file] = seen.total
  }
  expect(totals).toEqual({
    'list.yml': 3,
    'matrix.yml': 40,
    'node-tests.yml': 4,
    'seed.json': 2,
    'shell-500.yml': 500,
    'template.yml': 2,
  })
})

/** Blocks of YAML and JSON in the documentation that are whole batches. */
test('so are the batches of docs/batches.md', async () => {
  const text = await readFile(new URL('../../docs/batches.md', import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/^```(?:ya?ml|json)\n([\s\S]*?)^```/gm)].map(([, block]) => parse(block!) as Preview)
  const whole = blocks.filter((block) => block.jobs !== undefined || block.matrix !== undefined)
  expect(whole).toHaveLength(2)
  for (const block of whole) expect(await errorsOf({ name: 'n', ...block })).toEqual([])
})

test('who may not submit gets no preview', async () => {
  await expect(preview({ name: 'n', jobs: [{ command: ['a'] }] }, viewer)).rejects.toMatchObject({
    code: 'permission_denied',
  })
})

const fan = {
  name: 'nightly',
  params: { branch: 'main' },
  matrix: { shard: ['1..2'], os: ['x'] },
  job: { name: '{{params.branch}} {{shard}} {{os}}', command: ['t'] },
}

test('a template: stored as it was written, used with other values, replaced, deleted; each in the audit log', async () => {
  const { batchTemplates } = anna.client.calls
  const saved = await batchTemplates.put({ name: 'nightly', body: fan })
  expect(saved).toMatchObject({ name: 'nightly', owner: 'anna', shared: false, description: null })
  // The order of the axes is the order of the jobs.
  expect(JSON.stringify(saved.body.matrix)).toBe(JSON.stringify(fan.matrix))
  const seen = await preview({ template: 'nightly', params: { branch: 'dev' }, matrix: { shard: [7] } })
  expect(seen).toMatchObject({ errors: [], jobs: [{ name: 'dev 7 x' }] })

  await expect(bert.client.calls.batchTemplates.get({ name: 'nightly', owner: 'anna' })).rejects.toMatchObject({
    code: 'not_found',
  })
  await expect(preview({ template: 'nightly' }, bert)).rejects.toMatchObject({ code: 'not_found' })
  await expect(preview({ template: 'anna/nightly' }, bert)).rejects.toMatchObject({ code: 'not_found' })

  await batchTemplates.put({ name: 'nightly', body: fan, shared: true, description: 'every night' })
  expect(await preview({ template: 'nightly' }, bert)).toMatchObject({ total: 2, errors: [] })
  expect(await preview({ template: 'anna/nightly' }, bert)).toMatchObject({ total: 2 })
  const list = async (who: Person) => (await who.client.calls.batchTemplates.list({})).templates.map(({ name }) => name)
  expect([await list(anna), await list(bert), await list(viewer)]).toEqual([['nightly'], ['nightly'], ['nightly']])

  const mine = { name: 'nightly', owner: 'anna' }
  await expect(bert.client.calls.batchTemplates.delete(mine)).rejects.toMatchObject({ code: 'permission_denied' })
  await expect(bert.client.calls.batchTemplates.put({ ...mine, body: fan })).rejects.toMatchObject({
    code: expect.stringMatching(/not_found|permission_denied/),
  })
  await server.client.calls.batchTemplates.put({ ...mine, body: fan, description: 'by an administrator' })
  await batchTemplates.delete({ name: 'nightly' })
  await expect(preview({ template: 'nightly' })).rejects.toMatchObject({ code: 'not_found' })

  const { rows } = await server.db.query(
    `select action, actor, result from audit_log where target = 'template:anna/nightly' order by id`,
  )
  expect(rows.map((row) => Object.values(row).join(' '))).toEqual([
    'template.put anna done',
    'template.put anna done',
    'template.delete bert refused',
    'template.put bert refused',
    'template.put admin done',
    'template.delete anna done',
  ])
})

test('one’s own template goes before a shared one; of several shared ones the owner must be said', async () => {
  const shared = (name: string) => ({ name: 'smoke', shared: true, body: { name, jobs: [{ name, command: ['t'] }] } })
  await anna.client.calls.batchTemplates.put(shared('of-anna'))
  await bert.client.calls.batchTemplates.put(shared('of-bert'))
  expect(await preview({ template: 'smoke' }, bert)).toMatchObject({ jobs: [{ name: 'of-bert' }] })
  expect(await preview({ template: 'anna/smoke' }, bert)).toMatchObject({ jobs: [{ name: 'of-anna' }] })
  const cara = await server.person('operator', 'cara')
  await expect(preview({ template: 'smoke' }, cara)).rejects.toThrow('say anna/smoke or bert/smoke')
})

test('a template holds no secrets, and a viewer makes none', async () => {
  const body = { jobs: [{ command: ['t'], secret_env: { T: 'hush' } }] }
  await expect(anna.client.calls.batchTemplates.put({ name: 's', body })).rejects.toMatchObject({
    code: 'invalid_argument',
    fields: [{ field: 'body.jobs[0].secret_env', message: expect.stringMatching(/when it is used/) }],
  })
  await expect(viewer.client.calls.batchTemplates.put({ name: 's', body: fan })).rejects.toMatchObject({
    code: 'permission_denied',
  })
})
