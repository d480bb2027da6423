/** prunner's clients against a real system: what prunner-ui and Flowpack.Prunner send, and our own examples. */
import { spawn, spawnSync } from 'node:child_process'
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prunnerContract, type PrunnerJob, type PrunnerPipeline } from '../src/api/prunner/contract.ts'
import { togetherMs } from '../src/cli/process-life.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'
import { makeProject, type Project } from './project.ts'
import { exited, freePort, startSystem, until, type System } from './system.ts'

const examples = fileURLToPath(new URL('../examples/', import.meta.url))
const definition = `
pipelines:
  long:
    queue_limit: 1
    tasks:
      sleep: { script: ['echo begun; sleep 120'] }
  gated:
    tasks:
      gate: { script: ['touch begun; until test -e open; do sleep 0.05; done; touch passed'] }
  broken:
    tasks:
      first: { script: [echo out; echo err >&2; exit 3] }
      second: { script: [echo never], depends_on: [first] }
    on_error:
      script: ['echo {{ .failedTaskName }} {{ .failedTaskExitCode }}']
`

let system: System
let project: Project
let url: string
let secret: string

beforeAll(async () => {
  project = await makeProject({
    'pipelines.yml': definition,
    'release/pipelines.yaml': await readFile(join(examples, 'pipelines/pipelines.yml'), 'utf8'),
  })
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  system = await startSystem({
    RUNYARD_PIPELINES: project.dir,
    RUNYARD_PRUNNER_ADDRESS: `127.0.0.1:${port}`,
    RUNYARD_PRUNNER_CORS_ORIGINS: 'http://ui.example',
    // prunner's way.
    RUNYARD_RUNS_AT_SIGINT: 'wait',
    RUNYARD_RUNS_AT_SIGTERM: 'cancel',
  })
  const file = await readFile(join(system.dataDir, '.prunner.yml'), 'utf8')
  secret = (parse(file) as { jwt_secret: string }).jwt_secret
})
afterAll(async () => {
  await system?.stop()
  await project?.remove()
})

const token = (claims: Record<string, unknown> = { exp: Math.floor(Date.now() / 1000) + 60 }, key = secret) =>
  new SignJWT({ sub: 'anna', ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(key))
async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const authorization = { authorization: `Bearer ${await token()}` }
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { ...('cookie' in headers ? {} : authorization), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: (text === '' ? null : JSON.parse(text)) as unknown }
}
const job = async (id: string): Promise<PrunnerJob> => {
  const { status, body } = await call('GET', `/job/detail?id=${id}`)
  expect({ status, body }).toMatchObject({ status: 200 })
  return prunnerContract.detail['~orpc'].outputSchema!.parse(body) as PrunnerJob
}
const schedule = async (pipeline: string, variables?: unknown): Promise<string> => {
  const { status, body } = await call('POST', '/pipelines/schedule', { pipeline, ...(variables ? { variables } : {}) })
  expect({ status, body }).toMatchObject({ status: 202 })
  return (body as { jobId: string }).jobId
}
const over = (id: string) =>
  until(`the end of ${id}`, async () => {
    const now = await job(id)
    return (now.completed || now.canceled) && now
  })

test('a page that polls: the pipelines', async () => {
  const before = await call('GET', '/pipelines')
  expect(before).toMatchObject({ status: 200 })
  const { pipelines } = before.body as { pipelines: PrunnerPipeline[] }
  expect(pipelines).toEqual(
    ['broken', 'gated', 'long', 'release'].map((pipeline) => ({ pipeline, schedulable: true, running: false })),
  )
})

test.skipIf(noSandbox)('a start without variables, squares, logs', async () => {
  const id = await schedule('broken')
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const ended = await over(id)
  expect(ended).toMatchObject({ completed: true, canceled: false, errored: true, user: 'anna', pipeline: 'broken' })
  expect(ended.tasks.map(({ name, status, exitCode }) => ({ name, status, exitCode }))).toEqual([
    { name: 'first', status: 'error', exitCode: 3 },
    { name: 'second', status: 'waiting', exitCode: 0 },
    { name: 'on_error', status: 'done', exitCode: 0 },
  ])
  const logs = await Promise.all(
    ['first', 'on_error', 'second'].map(async (task) => (await call('GET', `/job/logs?id=${id}&task=${task}`)).body),
  )
  expect(logs).toEqual([
    { stdout: 'out\n', stderr: 'err\n' },
    { stdout: 'first 3\n', stderr: '' },
    { stdout: '', stderr: '' },
  ])
  const { jobs } = (await call('GET', '/pipelines/jobs')).body as { jobs: PrunnerJob[] }
  expect(jobs[0]).toEqual(ended)
})

test.skipIf(noSandbox)(
  'a waiting list that is full, a cancel of what runs and of what waits, and of what has ended',
  async () => {
    const running = await schedule('long')
    const waiting = await schedule('long')
    const full = await call('POST', '/pipelines/schedule', { pipeline: 'long' })
    expect(full).toMatchObject({ status: 400, body: { error: expect.stringContaining('queue_limit') } })
    await until('its output', async () => {
      const { body } = await call('GET', `/job/logs?id=${running}&task=sleep`)
      return (body as { stdout: string }).stdout === 'begun\n'
    })
    const { pipelines } = (await call('GET', '/pipelines')).body as { pipelines: PrunnerPipeline[] }
    expect(pipelines.find(({ pipeline }) => pipeline === 'long')).toMatchObject({ schedulable: false, running: true })
    for (const id of [waiting, running, waiting]) {
      expect(await call('POST', `/job/cancel?id=${id}`)).toMatchObject({ status: 200, body: true })
    }
    expect(await over(running)).toMatchObject({ canceled: true, errored: false, tasks: [{ status: 'canceled' }] })
    expect(await over(waiting)).toMatchObject({ canceled: true, completed: false, start: null })
  },
)

test('what is wrong is said in prunner’s shape', async () => {
  const none = '00000000-0000-4000-8000-000000000000'
  for (const [method, path, body, status] of [
    ['POST', '/pipelines/schedule', { pipeline: 'nope' }, 400],
    ['POST', '/pipelines/schedule', '{', 400],
    ['POST', '/pipelines/schedule', {}, 400],
    ['POST', '/pipelines/schedule', { pipeline: 'release' }, 400],
    ['GET', '/job/detail?id=7', undefined, 400],
    ['GET', `/job/detail?id=${none}`, undefined, 404],
    ['GET', `/job/logs?id=${none}`, undefined, 400],
    ['GET', `/job/logs?id=${none}&task=x`, undefined, 404],
    ['POST', `/job/cancel?id=${none}`, undefined, 404],
    ['GET', '/nowhere', undefined, 404],
  ] as const) {
    const answer = await call(method, path, body)
    expect({ path, status: answer.status, body: answer.body }).toEqual({
      path,
      status,
      body: { error: expect.any(String) },
    })
  }
})

test('tokens: of this listener only, and its tokens only here', async () => {
  const asked = async (authorization: string) =>
    (await fetch(`${url}/pipelines`, { headers: { authorization } })).status
  expect(await asked(`Bearer ${await token({})}`)).toBe(200)
  expect(await asked(`Bearer ${await token({ exp: 1 })}`)).toBe(401)
  expect(await asked(`Bearer ${await token({}, 'another secret of the right length')}`)).toBe(401)
  expect(await asked(`Bearer ${system.token}`)).toBe(401)
  expect(await asked('Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.')).toBe(401)
  const there = await fetch(`${system.url}/api/v1/pipelines`, { headers: { authorization: `Bearer ${await token()}` } })
  expect(there.status).toBe(401)

  const cookie = `jwt=${await token()}`
  expect(await call('GET', '/pipelines', undefined, { cookie })).toMatchObject({ status: 200 })
  const foreign = await call('GET', '/pipelines', undefined, { cookie, origin: 'http://evil.example' })
  expect(foreign).toMatchObject({ status: 403 })
  const ui = await call('GET', '/pipelines', undefined, { cookie, origin: 'http://ui.example' })
  expect([ui.status, ui.headers.get('access-control-allow-origin')]).toEqual([200, 'http://ui.example'])

  const { code, stdout } = await system.cli(['prunner', 'token'])
  expect([code, await asked(`Bearer ${stdout.trim()}`)]).toEqual([0, 200])
  const paths = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, unknown> }
  expect(Object.keys(paths.paths)).toHaveLength(6)
})

test.skipIf(noSandbox)('the example for curl', async () => {
  const started = await program(join(examples, 'prunner/client.sh'), ['release', '{"version": "1; id"}'])
  expect(started).toMatchObject({ code: 0, stderr: '' })
  const { jobId } = JSON.parse(started.stdout) as { jobId: string }
  expect(await over(jobId)).toMatchObject({ errored: false, user: 'example', variables: { version: '1; id' } })
  const { body } = await call('GET', `/job/logs?id=${jobId}&task=announce`)
  expect(body).toEqual({ stdout: 'released 1; id\n', stderr: '' })
})

const noPhp = spawnSync('php', ['--version']).error !== undefined
test.skipIf(noPhp || noSandbox)('the example for PHP (needs php-cli)', async () => {
  const ended = await program('php', [join(examples, 'prunner/client.php'), 'release', '{"version": "2.0"}'])
  expect(ended).toEqual({ code: 0, stderr: '', stdout: expect.stringContaining('testing app-2.0.tar\n') })
})

function program(command: string, args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, SECRET: secret, URL: url } })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (bytes) => (stdout += String(bytes)))
  child.stderr.on('data', (bytes) => (stderr += String(bytes)))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
}

test.skipIf(noSandbox)('SIGINT waits for what runs and takes nothing new; a second one does not wait', async () => {
  const there = (name: string) => until(name, () => stat(join(project.dir, name)))
  const stopping = () =>
    until('the refusal', async () => {
      const { status, body } = await call('POST', '/pipelines/schedule', { pipeline: 'broken' })
      return status === 503 && body
    })
  const running = await schedule('gated')
  const waiting = await schedule('gated')
  await there('begun')
  system.up!.kill('SIGINT')
  expect(await stopping()).toEqual({ error: expect.stringContaining('is being stopped and takes nothing new') })
  expect(await over(waiting)).toMatchObject({ canceled: true, start: null })
  expect(await job(running)).toMatchObject({ completed: false, canceled: false })
  await project.write('open', '')
  expect(await exited(system.up!)).toBe(0)
  await there('passed')

  await Promise.all(['begun', 'open', 'passed'].map((name) => rm(join(project.dir, name))))
  await system.start()
  expect(await job(running)).toMatchObject({ completed: true, errored: false })
  await schedule('gated')
  await there('begun')
  const began = performance.now()
  system.up!.kill('SIGINT')
  await stopping()
  // Sooner it would be the same Ctrl-C, that came twice.
  await sleep(togetherMs + 50)
  system.up!.kill('SIGINT')
  expect(await exited(system.up!)).toBe(0)
  // It would have waited for ever.
  expect(performance.now() - began).toBeLessThan(10_000)
})
