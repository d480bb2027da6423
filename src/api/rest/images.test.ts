import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import type { PlaceOrder } from '../../job/place.ts'

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`
const canary = 'c4n4ry-of-the-registry'

let server: TestServer
let operator: Person
let runner: FakeRunner

beforeAll(async () => {
  server = await runningServer({
    RUNYARD_CONTAINER_IMAGES: 'docker.io/library/**,r.example/**',
    RUNYARD_CONTAINER_NETWORKS: 'bridge',
  })
  operator = await server.person('operator')
})
afterAll(() => server?.close())

const put = (over: object) => server.client.calls.images.put({ name: 'py', reference: 'python:3.12', ...over })
const refusedAt = (field: string, message = '', code = 'invalid_argument') => ({
  code,
  fields: [{ field, message: expect.stringContaining(message) }],
})
const submit = (container: object, by = operator) =>
  by.client.calls.jobs.submit({ command: ['true'], executor: 'container', container })

/** What its runner is told of the next job. */
async function claimed(): Promise<PlaceOrder & { executor: string }> {
  const assignment = await runner.claimOne()
  const place = JSON.parse(assignment.placeJson || '{}') as PlaceOrder
  await runner.started(assignment)
  await runner.finish(assignment, { state: 'succeeded', exit_code: 0, remaining_processes: 0 })
  return { ...place, executor: (JSON.parse(assignment.specJson) as { executor: string }).executor }
}

test('administrators keep the catalogue; what is wrong is named; the password is shown to nobody', async () => {
  const { calls } = operator.client
  await expect(calls.images.put({ name: 'x', reference: 'python' })).rejects.toMatchObject({
    code: 'permission_denied',
  })
  await expect(calls.images.pin({ name: 'x' })).rejects.toMatchObject({ code: 'permission_denied' })
  await expect(calls.images.delete({ name: 'x' })).rejects.toMatchObject({ code: 'permission_denied' })
  await expect(put({ name: 'Bad Name' })).rejects.toMatchObject(refusedAt('name', 'lower-case'))
  await expect(put({ reference: 'not a reference' })).rejects.toMatchObject(
    refusedAt('reference', 'is no image reference'),
  )
  await expect(put({ reference: 'evil.example/x' })).rejects.toMatchObject(
    refusedAt('reference', 'RUNYARD_CONTAINER_IMAGES'),
  )
  await expect(put({ warm: { least: 3, most: 2 } })).rejects.toMatchObject(refusedAt('warm.most'))
  await expect(put({ registry: { username: 'ci' } })).rejects.toMatchObject(
    refusedAt('registry.password', 'exactly one'),
  )
  await expect(put({ unknown: 1 })).rejects.toMatchObject({ code: 'invalid_argument' })

  const made = await put({
    registry: { username: 'ci', password: canary },
    languages: ['python'],
    warm: { least: 1, most: 4 },
  })
  expect(made).toMatchObject({
    ...{ name: 'py', reference: 'python:3.12', digest: null, languages: ['python'], pull: 'missing', problem: null },
    ...{ registry: { username: 'ci', password_secret: null }, enabled: true, open_to: 'operators', runners: [] },
  })
  expect((await calls.images.get({ name: 'py' })).registry).toBeNull()
  await expect(calls.images.get({ name: 'other' })).rejects.toMatchObject({ code: 'not_found' })
  await expect(put({ name: 'py2', languages: ['python'] })).rejects.toMatchObject(
    refusedAt('languages[0]', 'image py', 'conflict'),
  )
  // A second of one language is no matter as long as it is off.
  await put({ name: 'py2', languages: ['python'], enabled: false, open_to: 'admins', reference: 'r.example/py:1' })
  expect((await calls.images.list()).images.map(({ name }) => name)).toEqual(['py'])
  expect((await server.client.calls.images.list()).images.map(({ name }) => name)).toEqual(['py', 'py2'])

  // Left out, the password stays.
  await put({ warm: { least: 1, most: 4 }, languages: ['python'] })
  const { rows } = await server.db.query(`select password_sealed, registry_username from images where name = 'py'`)
  expect(rows[0]).toMatchObject({ registry_username: 'ci', password_sealed: expect.any(Buffer) })
  const audit = await server.fetch('/audit?limit=200')
  const text = await audit.text()
  expect(text).toContain('image.put')
  expect(text).not.toContain(canary)
})

test('what a job names is judged at submit, and said to its runner anew', async () => {
  await expect(submit({ image: 'nothing' })).rejects.toMatchObject(
    refusedAt('container.image', '"nothing" is no image that you may use'),
  )
  await expect(submit({ image: 'py2' })).rejects.toMatchObject(refusedAt('container.image'))
  await expect(submit({ image: 'evil.example/x:1' })).rejects.toMatchObject(
    refusedAt('container.image', 'RUNYARD_CONTAINER_IMAGES'),
  )
  await expect(submit({ image: 'py', network: 'other' })).rejects.toMatchObject(
    refusedAt('container.network', 'must be one of: bridge'),
  )
  await expect(submit({})).rejects.toMatchObject(refusedAt('container.image', 'runyard image ls'))
  await expect(
    server.client.calls.batches.create({
      name: 'x',
      jobs: [{ command: ['true'] }, { command: ['true'], executor: 'container', container: { image: 'nothing' } }],
    }),
  ).rejects.toMatchObject(refusedAt('jobs[1].container.image'))

  const named = await submit({ image: 'py' })
  expect(named).toMatchObject({
    executor: 'container',
    container: { image: 'py' },
    effective_limits: { cpu: expect.any(Number) },
  })
  expect(named.waiting_reason?.text).toMatch(/no runner is online|executor container/)
  const reference = await submit({ image: `python:3.12@${digest('a')}` })
  const gone = await submit({ image: 'py' })

  runner = await fakeRunner(server.runnerSocket, {
    executors: ['sandbox', 'container'],
    facilities: {
      elsewhere: {
        container: {
          ...{ engine: 'podman', version: '4.3.1', socket: '/x' },
          images: [`docker.io/library/python:3.12@${digest('b')}`, 'docker.io/library/bash:5'],
          warm: [{ image: 'docker.io/library/python:3.12', waiting: 2, used: 3, hits: 3, misses: 1 }],
        },
      },
    },
  })
  expect(await claimed()).toEqual({
    executor: 'container',
    container: {
      ...{ name: 'py', reference: 'docker.io/library/python:3.12', pull: 'missing' },
      ...{ registry: { username: 'ci', password: canary }, warm: { least: 1, most: 4 } },
    },
  })
  expect(await claimed()).toEqual({
    executor: 'container',
    container: { name: null, reference: `docker.io/library/python@${digest('a')}`, pull: 'missing' },
  })
  // Between submit and claim an administrator has switched it off.
  await put({ enabled: false })
  expect((await claimed()).refused).toMatch(/container\.image "py" is image py, which is disabled/)
  expect((await server.client.calls.jobs.get({ id: gone.id })).id).toBe(gone.id)
  expect(JSON.stringify(await server.client.calls.jobs.get({ id: reference.id }))).not.toContain(canary)
  await put({ languages: ['python'], warm: { least: 1, most: 4 } })
})

test('a registry’s password may be a global secret, and one that is missing is said', async () => {
  await put({
    name: 'private',
    reference: 'r.example/team/app',
    registry: { username: 'ci', password_secret: 'REGISTRY' },
  })
  await submit({ image: 'private' })
  expect((await claimed()).refused).toMatch(
    /image private: no password for its registry: there is no global secret REGISTRY/,
  )
  // The owner's own of that name is nobody's password.
  await operator.client.calls.variables.put({ scope: 'user', name: 'REGISTRY', secret: true, value: 'mine' })
  await server.client.calls.variables.put({ scope: 'global', name: 'REGISTRY', secret: true, value: canary })
  await submit({ image: 'private' })
  expect(await claimed()).toMatchObject({
    container: { reference: 'r.example/team/app:latest', registry: { username: 'ci', password: canary } },
  })
  const used = await server.db.query(
    `select detail from audit_log where action = 'secret.use' order by id desc limit 1`,
  )
  expect(used.rows[0]).toEqual({ detail: { names: ['REGISTRY'] } })
})

test('where an image is, what waits warm, and pinning by what the runners have', async () => {
  const { images, engines } = await operator.client.calls.images.list()
  expect(engines).toEqual([{ runner: 'fake', engine: 'podman', version: '4.3.1', problem: null }])
  const warm = { waiting: 2, used: 3, hits: 3, misses: 1 }
  expect(images.find(({ name }) => name === 'py')?.runners).toEqual([{ runner: 'fake', present: true, warm }])
  expect(images.find(({ name }) => name === 'private')?.runners).toEqual([
    { runner: 'fake', present: false, warm: null },
  ])

  const { pin } = server.client.calls.images
  await expect(pin({ name: 'private' })).rejects.toMatchObject({
    message: expect.stringContaining('no runner online has a digest'),
  })
  expect(await pin({ name: 'py' })).toMatchObject({
    reference: `docker.io/library/python:3.12@${digest('b')}`,
    digest: digest('b'),
  })
  expect((await pin({ name: 'py', digest: digest('c') })).digest).toBe(digest('c'))
  await put({ languages: ['python'] })
})

test('scripts of events: to the image of their language where a runner has an engine, fixed at submit', async () => {
  const { calls } = operator.client
  const run = async (name: string, definition: object) => {
    await calls.events.create({ name, definition: definition as never })
    const { id } = await calls.events.run({ event: name })
    return calls.eventRuns.get({ id })
  }
  const python = { kind: 'python', script: 'print(1)' }
  expect(await run('plain', python)).toMatchObject({ executor: 'container', image: 'py' })
  expect((await claimed()).container?.name).toBe('py')
  // No image for bash; what a container cannot have; what names its executor.
  expect(await run('shell', { kind: 'bash', script: 'true' })).toMatchObject({ executor: 'sandbox', image: null })
  expect((await claimed()).executor).toBe('sandbox')
  expect(await run('here', { ...python, job: { executor: 'sandbox' } })).toMatchObject({ executor: 'sandbox' })
  await claimed()
  const picked = { ...python, job: { container: { image: 'private' } } }
  expect(await run('picked', picked)).toMatchObject({ executor: 'container', image: 'private' })
  await claimed()
  // A runner that it must have is without one.
  const elsewhere = { ...python, job: { required_labels: { zone: 'b' } } }
  expect(await run('labelled', elsewhere)).toMatchObject({ executor: 'sandbox' })

  const checked = await calls.events.check({
    definition: { ...python, job: { executor: 'container', container: { image: 'py2' } } },
  })
  expect(checked.problems).toEqual([
    { field: 'job.container.image', message: expect.stringContaining('"py2" is no image'), severity: 'warning' },
  ])
  const bash = await calls.events.check({
    definition: { kind: 'bash', script: 'true', job: { executor: 'container' } },
  })
  expect(bash.problems).toEqual([
    { field: 'job.container.image', message: expect.stringContaining('runyard image ls'), severity: 'warning' },
  ])
  const shown = await calls.events.check({ definition: python })
  expect(shown).toMatchObject({ problems: [], job: { executor: 'container', container: { image: 'py' } } })
  const wrong = { kind: 'http', request: { url: 'https://x.example' }, job: { executor: 'container' } }
  expect((await calls.events.check({ definition: wrong })).problems).toMatchObject([
    { field: 'job.executor', severity: 'error' },
  ])

  expect((await calls.images.list()).events).toEqual([
    { language: 'bash', executor: 'sandbox', image: null, why: expect.stringContaining('--language bash') },
    { language: 'python', executor: 'container', image: 'py', why: expect.stringContaining('a runner has an engine') },
    { language: 'node', executor: 'sandbox', image: null, why: expect.any(String) },
  ])
  await server.db.query(`update runners set state = 'offline'`)
  expect(await run('later', python)).toMatchObject({ executor: 'sandbox' })
})
