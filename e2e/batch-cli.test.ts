/** `runyard batch` as people and programs type it, on a real system with real jobs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { batchSchema, batches as routes, batchTemplates } from '../src/api/contract/batches.ts'
import type { Batch, Job } from '../src/api/contract/index.ts'
import { startSystem, type System } from './system.ts'

let system: System
let files: string

beforeAll(async () => {
  files = await mkdtemp(join(tmpdir(), 'runyard-batch-cli-'))
  // Wherever the Node.js of this test is, jobs may use it.
  system = await startSystem({
    RUNYARD_RUNNER_SLOTS: '4',
    RUNYARD_ALLOWED_READ_ONLY_BINDS: dirname(process.execPath),
  })
})
afterAll(async () => {
  await system?.stop()
  await rm(files, { recursive: true, force: true })
})

async function file(name: string, text: string): Promise<string> {
  const path = join(files, name)
  await writeFile(path, text)
  return path
}
const batch = (...args: string[]) => system.cli(['batch', ...args])
/** What a program reads: nothing else is on stdout. */
async function json<T>(schema: z.ZodType<T>, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await batch(...args, '--json')
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
  return schema.parse(JSON.parse(stdout))
}
const outputOf = (route: { '~orpc': { outputSchema?: unknown } }) => route['~orpc'].outputSchema as z.ZodObject
const aBatch = batchSchema.strict() as z.ZodType<Batch>

/** Nothing of it runs in the time of a test. */
const later = () =>
  system.api.calls.batches.create({ name: 'later', jobs: [{ command: ['true'], delay_seconds: 900 }] })

/** The second job fails. */
const twoJobs = 'name: two\njobs:\n  - command: [sh, -c, "exit 0"]\n  - name: bad\n    command: [sh, -c, "exit 3"]\n'

test('mistakes are told at their lines, and nothing is made', async () => {
  const path = await file(
    'wrong.yml',
    'name: checks\ndefaults:\n  colour: red\njobs:\n  - command: [a]\n    priority: 99\n  - { queue: q }\n',
  )
  const broken = await file('broken.yml', 'name: a\nname: b\njobs: []\n')
  const [plain, programs, dry, twice, none] = await Promise.all([
    batch('submit', path),
    batch('submit', path, '--json'),
    batch('submit', '--dry-run', path),
    batch('submit', broken),
    batch('submit', join(files, 'none.yml')),
  ])
  const lines = plain.stderr.trimEnd().split('\n')
  expect([plain.code, plain.stdout]).toEqual([2, ''])
  expect(lines).toEqual([
    `runyard: ${path}:6:5: jobs[0].priority: must be 0 to 10`,
    `${path}:3:3: defaults.colour: is not a known field`,
    expect.stringMatching(/wrong\.yml:7:5: jobs\[1\]\.command: is required/),
    expect.stringMatching(/wrong\.yml:7:7: jobs\[1\]\.queue: there is no queue named q/),
  ])
  expect(dry).toMatchObject({ code: 2, stderr: plain.stderr })
  const { error } = JSON.parse(programs.stderr) as { error: { code: string; fields: { field: string }[] } }
  expect([programs.code, programs.stdout, error.code]).toEqual([2, '', 'invalid_argument'])
  expect(error.fields.map(({ field }) => field)).toEqual([
    'jobs[0].priority',
    'defaults.colour',
    'jobs[1].command',
    'jobs[1].queue',
  ])
  expect(twice).toMatchObject({ code: 2, stderr: expect.stringMatching(/broken\.yml:2:1: /) })
  expect(none).toMatchObject({ code: 2, stderr: `runyard: ${join(files, 'none.yml')}: there is no such file\n` })
  expect((await system.api.calls.batches.list({})).batches).toEqual([])
})

test('exit codes: 0 all passed, 1 one did not, 130 cancelled; a name that is not there is 1', async () => {
  const path = await file('two.yml', twoJobs)
  const waits = await later()
  const watching = batch('watch', waits.id)
  const [passed, failed, unknown] = await Promise.all([
    batch('matrix', '--submit', '--watch', '--axis', 'n=1..3', '--', 'test', '{{n}}', '-lt', '9'),
    batch('submit', '--watch', path),
    batch('watch', 'zzzzzzzzzzzz'),
  ])
  expect(passed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^test -lt 9 passed in .*: 3\/3: 3 passed$/m) })
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringMatching(/^✗ bad {2}exit 3 {2}runyard log \w{12}$/m) })
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('no such batch') })
  expect(await batch('cancel', waits.id)).toMatchObject({ code: 0, stdout: '1 job cancelled, 0 being stopped\n' })
  expect(await watching).toMatchObject({ code: 130, stdout: expect.stringContaining('later cancelled') })
  // Without a terminal nobody can say yes.
  const [complete, remove] = await Promise.all([batch('complete', waits.id), batch('rm', waits.id)])
  expect([complete.code, complete.stderr]).toEqual([
    2,
    `runyard: no terminal to ask on: runyard batch complete ${waits.id} --yes\n`,
  ])
  expect([remove.code, remove.stderr]).toEqual([
    2,
    `runyard: no terminal to ask on: runyard batch rm ${waits.id} --yes\n`,
  ])
})

test('every subcommand with --json answers what the interface documents; its jobs, tests and end', async () => {
  const path = await file(
    'tests.yml',
    `name: node tests
defaults: { timeout_seconds: 60, binds: [{ path: ${dirname(process.execPath)} }] }
matrix: { file: [sum] }
job:
  name: '{{file}}'
  junit: ['{{file}}.xml']
  command:
    - sh
    - -c
    - |
      cat > {{file}}.test.mjs << end
      import test from 'node:test'
      import assert from 'node:assert/strict'
      test('adds', () => assert.equal(1 + 1, 2))
      test('is wrong', () => assert.equal(1 + 1, 3))
      test.skip('is left out', () => {})
      end
      ${process.execPath} --test --test-reporter=junit --test-reporter-destination={{file}}.xml {{file}}.test.mjs
`,
  )
  const previewed = outputOf(routes.preview)
  const [made, seen, fan] = await Promise.all([
    json(aBatch, 'submit', path),
    json(previewed, 'matrix', path),
    json(previewed, 'submit', '--dry-run', path),
  ])
  expect(made.counts.total).toBe(1)
  expect(seen).toMatchObject({ total: 1, errors: [], jobs: [{ name: 'sum', matrix: { file: 'sum' } }] })
  expect(fan).toEqual(seen)
  const { id } = made
  const watched = await batch('watch', id, '--json')
  const ended = aBatch.parse(JSON.parse(watched.stdout))
  expect([watched.code, ended.status, ended.tests]).toMatchObject([1, 'failed', { total: 3, failed: 1, skipped: 1 }])

  const [status, listed, cases, text, jobs] = await Promise.all([
    json(aBatch, 'status', id),
    json(z.array(aBatch), 'ls', '--status', 'failed', '--name', 'NODE'),
    json(outputOf(routes.tests), 'tests', id),
    batch('tests', id, '--status', 'failed'),
    system.cli(['ls', '--batch', id, '--json']),
  ])
  expect(status).toEqual(ended)
  expect(listed).toEqual([ended])
  expect(cases).toMatchObject({ tests: [{ name: 'is wrong', status: 'failed' }, {}, {}] })
  expect(text.stdout).toMatch(/^failed .*is wrong\n(.*\n)*3 tests: 1 passed, 1 failed, 1 skipped$/m)
  expect(JSON.parse(jobs.stdout) as Job[]).toMatchObject([{ name: 'sum', batch_id: id }])

  const again = await json(aBatch, 'rerun', id, '--failed')
  expect(again).toMatchObject({ rerun_of: id, counts: { total: 1 } })
  const [first, second] = await Promise.all([1, 2].map(later))
  const [cancelled, complete] = await Promise.all([
    json(outputOf(routes.cancel), 'cancel', first!.id, '--force', '--reason', 'not needed'),
    json(aBatch, 'complete', second!.id, '--yes'),
  ])
  expect(cancelled).toMatchObject({ cancelled: 1, stopping: 0, batch: { cancel_requested: true, status: 'cancelled' } })
  expect(complete).toMatchObject({ status: 'cancelled', forced: true })
  const deleted = z.strictObject({ id: z.literal(second!.id), deleted: z.literal(true) })
  await json(deleted, 'rm', second!.id, '--yes')
  expect((await batch('status', second!.id)).code).toBe(1)
})

test('templates: saved, listed, shown, used with other values, deleted', async () => {
  const path = await file(
    'release.yml',
    "name: release {{params.branch}}\nparams: { branch: main }\njobs: [{ command: [echo, '{{params.branch}}'] }]\n",
  )
  const template = outputOf(batchTemplates.get)
  expect(await json(template, 'template', 'save', 'release', path, '--shared')).toMatchObject({ shared: true })
  const [listed, shown, yaml] = await Promise.all([
    json(z.array(template), 'template', 'ls'),
    json(template, 'template', 'show', 'release'),
    batch('template', 'show', 'release'),
  ])
  expect(listed).toEqual([shown])
  expect(yaml.stdout).toContain('name: release {{params.branch}}\n')
  const made = await json(aBatch, 'submit', '--template', 'release', '--set', 'branch=v2')
  expect(made).toMatchObject({ name: 'release v2', template: 'release' })
  const refused = await batch('template', 'rm', 'release')
  expect([refused.code, refused.stderr]).toEqual([
    2,
    'runyard: no terminal to ask on: runyard batch template rm release --yes\n',
  ])
  expect(await batch('template', 'rm', 'release', '--yes')).toEqual({
    code: 0,
    stdout: 'Deleted release\n',
    stderr: '',
  })
  expect((await batch('template', 'show', 'release')).code).toBe(1)
})
