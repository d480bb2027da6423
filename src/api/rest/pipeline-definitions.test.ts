/** Stored pipelines over HTTP: who may change them, versions, differences, and what a file has. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { removeScratch, scratchDir } from '../../../test/scratch.ts'

let server: TestServer
let anna: Person
let ben: Person
let vera: Person
const project = scratchDir('p')

const yaml = (name: string, script: string, more = ''): string =>
  `pipelines:\n  ${name}:\n${more}    tasks:\n      t:\n        script:\n          - ${script}\n`

beforeAll(async () => {
  mkdirSync(join(project, 'sub'))
  writeFileSync(join(project, 'sub', 'pipelines.yml'), yaml('project', 'make'))
  writeFileSync(join(project, 'pipelines.yml'), 'pipelines: {half: {tasks: {t: {depends_on: [x]}}}}')
  server = await runningServer({ RUNYARD_PIPELINES: project })
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
  vera = await server.person('viewer', 'vera')
})
afterAll(async () => {
  await server.close()
  removeScratch(project)
})

const pipelines = (of: Person = anna) => of.client.calls.pipelines
const put = (name: string, source: string, more: object = {}, of = anna) => pipelines(of).put({ name, source, ...more })

test('stored, changed, compared, restored, deleted; each version is kept', async () => {
  const one = await put('build', yaml('build', 'make one'))
  expect(one).toMatchObject({ source: 'stored', owner: 'anna', version: 1, path: null, tasks: 1 })
  expect((await put('build', `# said\n${yaml('build', 'make one')}`)).version).toBe(1)
  expect(
    (await put('build', yaml('build', 'make two', '    queue_limits: 1\n'), { expected_version: 1 })).problems,
  ).toMatchObject([
    { line: 3, column: 5, severity: 'warning', message: '`queue_limits` is not known: did you mean `queue_limit`?' },
  ])
  const late = put('build', yaml('build', 'three'), { expected_version: 1 })
  await expect(late).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('version 2 is in force'),
  })
  const { lines } = await pipelines().diff({ name: 'build', from: 1, to: 2 })
  expect(lines.filter(({ kind }) => kind !== 'same').map(({ kind, text }) => `${kind}${text}`)).toEqual([
    'added    queue_limits: 1',
    'removed          - make one',
    'added          - make two',
  ])
  expect(await pipelines().restore({ name: 'build', number: 1 })).toMatchObject({
    version: 3,
    source_text: yaml('build', 'make one'),
  })
  const first = await pipelines(vera).versions({ name: 'build', limit: 2 })
  expect(first.versions).toMatchObject([
    { number: 3, current: true, created_by: 'anna', tasks: 1 },
    { number: 2, current: false },
  ])
  const rest = await pipelines(vera).versions({ name: 'build', cursor: first.next_cursor! })
  expect([rest.versions.map(({ number }) => number), rest.next_cursor]).toEqual([[1], null])

  await pipelines().delete({ name: 'build' })
  await expect(pipelines().delete({ name: 'build' })).rejects.toMatchObject({ code: 'not_found' })
  await expect(pipelines().start({ name: 'build' })).rejects.toMatchObject({ code: 'not_found' })
  expect(await put('build', yaml('build', 'make one'), {}, ben)).toMatchObject({
    owner: 'ben',
    version: 3,
    gone: false,
  })
})

test('what is wrong is told with its line, and nothing is stored', async () => {
  const refusal = (name: string, source: string, more: object = {}) =>
    put(name, source, more).then(
      () => 'stored',
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    )
  expect(await refusal('a', yaml('a', '"{{ end }}"'))).toMatch(
    /^invalid_argument pipelines.a.tasks.t.script\[0\]: line 6, column \d+: is no template/,
  )
  expect(await refusal('a', 'pipelines: [')).toMatch(/^invalid_argument source: line 1, column 13/)
  expect(await refusal('a', yaml('b', 'x'))).toMatch(/must have exactly the pipeline a in it; there is b$/)
  expect(await refusal('a', yaml('a', 'x', '    zzz: 1\n'), { strict: true })).toMatch(/`zzz` is not known/)
  expect(await refusal('a', yaml('a', 'x', '    network: host\n'))).toMatch(
    /pipelines.a.tasks.t.network: the host network is not allowed/,
  )
  expect(await refusal('a', yaml('a', 'x', '    working_dir: /etc\n'))).toMatch(
    /pipelines.a.tasks.t.working_dir: must be one of these/,
  )
  expect(await refusal('project', yaml('project', 'x'))).toMatch(
    /^conflict pipeline project is defined in .*sub\/pipelines.yml: change it there$/,
  )
  await expect(pipelines().get({ name: 'a' })).rejects.toMatchObject({ code: 'not_found' })
  const { pipelines: checked, problems } = await pipelines(vera).check({ source: `${yaml('a', 'x')}  b: {tasks: 1}\n` })
  expect(checked).toEqual([{ name: 'a', tasks: 1 }])
  expect(problems).toMatchObject([{ file: 'source', line: 7, column: 7, path: 'pipelines.b.tasks', severity: 'error' }])
})

test('a pipeline is its owner’s and administrators’ to change, a file’s is nobody’s', async () => {
  await put('mine', yaml('mine', 'x'))
  for (const [act, code] of [
    [() => put('mine', yaml('mine', 'y'), {}, ben), 'permission_denied'],
    [() => pipelines(ben).delete({ name: 'mine' }), 'permission_denied'],
    [() => pipelines(ben).restore({ name: 'mine', number: 1 }), 'permission_denied'],
    [() => put('other', yaml('other', 'y'), {}, vera), 'permission_denied'],
    [() => server.client.calls.pipelines.delete({ name: 'project' }), 'conflict'],
    [() => pipelines().diff({ name: 'mine', from: 1, to: 9 }), 'not_found'],
    [() => pipelines().versions({ name: 'nothing' }), 'not_found'],
    [() => pipelines().restore({ name: 'nothing', number: 1 }), 'not_found'],
  ] as const) {
    await expect(act()).rejects.toMatchObject({ code })
  }
  // Whoever changes it, it stays whose it was.
  const byAdmin = await server.client.calls.pipelines.put({ name: 'mine', source: yaml('mine', 'z') })
  expect(byAdmin).toMatchObject({ owner: 'anna', version: 2 })
  const { rows } = await server.db.query(
    `select action, result, detail->>'version' as version from audit_log where target = 'pipeline:mine' order by id`,
  )
  expect(rows).toEqual([
    { action: 'pipeline.put', result: 'done', version: '1' },
    { action: 'pipeline.put', result: 'refused', version: null },
    { action: 'pipeline.delete', result: 'refused', version: null },
    { action: 'pipeline.restore', result: 'refused', version: null },
    { action: 'pipeline.put', result: 'done', version: '2' },
  ])
})

test('files are loaded before the server answers, and what is wrong with them is in the list', async () => {
  const { pipelines: listed, problems } = await pipelines(vera).list({ source: 'file' })
  expect(listed).toMatchObject([
    { name: 'project', path: join(project, 'sub', 'pipelines.yml'), owner: null, version: 1 },
  ])
  expect(problems).toMatchObject([
    { file: join(project, 'pipelines.yml'), message: expect.stringMatching(/there is no task `x`/) },
  ])
})
