import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { createRunyard, type Runyard, type RunyardOptions } from './index.ts'

let dir: string
let database: TestDatabase
let options: RunyardOptions
let runyard: Runyard

beforeAll(async () => {
  dir = scratchDir()
  database = await testDatabase()
  options = {
    dataDir: join(dir, 'data'),
    databaseUrl: database.url,
    // Nothing is to run: what is started waits for a runner.
    runner: false,
    settings: { RUNYARD_RUN_DIR: join(dir, 'run') },
    authenticate: ({ headers }) => (headers['x-user'] === 'anna' ? { username: 'anna', role: 'viewer' } : null),
  }
  runyard = await createRunyard(options)
  const source = 'pipelines:\n  wait:\n    tasks:\n      t: { script: [sleep 600] }\n'
  await runyard.client.calls.pipelines.put({ name: 'wait', source })
})
afterAll(async () => {
  await runyard?.stop()
  await database?.drop()
  removeScratch(dir)
})

const asked = (path: string, init: RequestInit = {}) => fetch(`${runyard.url}/api/v1${path}`, init)

test('the application says who asks, and Runyard what they may', async () => {
  const headers = { 'x-user': 'anna' }
  expect(await (await asked('/me', { headers })).json()).toMatchObject({ username: 'anna', role: 'viewer' })
  expect((await asked('/pipelines', { headers })).status).toBe(200)
  const start = (more: Record<string, string>) =>
    asked('/pipelines/wait/runs', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', ...more },
      body: '{}',
    })
  expect(await (await start({})).json()).toMatchObject({ detail: expect.stringContaining('your role (viewer)') })
  // A browser sends the application's cookie for any page that asks.
  expect(await (await start({ cookie: 'app=1' })).json()).toMatchObject({ detail: expect.stringContaining('origin') })
  expect((await asked('/me')).status).toBe(401)
  expect((await asked('/me', { headers: { 'x-user': 'eve' } })).status).toBe(401)
})

test('an AbortSignal cancels its run, and starts nothing when it came before', async () => {
  const stop = new AbortController()
  const run = await runyard.schedule('wait', { signal: stop.signal })
  expect((await run.status()).status).toBe('running')
  stop.abort()
  expect(await run.ended).toMatchObject({ id: run.id, status: 'cancelled' })
  await expect(runyard.schedule('wait', { signal: stop.signal })).rejects.toThrow('abort')
  expect((await runyard.client.calls.pipelineRuns.list({})).runs).toHaveLength(1)
})

test('a second one in the same directory is refused', async () => {
  await expect(createRunyard(options)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('is using the data directory'),
  })
})

test('wrong settings are all named', async () => {
  const settings = { RUNYARD_PORT: 'x', RUNYARD_NOPE: '1' }
  await expect(createRunyard({ ...options, port: -1, settings })).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining('RUNYARD_NOPE'),
  })
})
