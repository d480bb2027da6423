/** The life of a whole server: start, files, restart, an absent database, stop. */
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createApiClient } from '../api/client.ts'
import { loadConfig } from '../config/config.ts'
import { breakableDatabase } from '../../test/breakable-database.ts'
import { testDatabase } from '../../test/database.ts'
import { fakeRunner } from '../../test/fake-runner.ts'
import { runningServer } from '../../test/running-server.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { until } from '../../test/until.ts'
import { readServerFile, serverFilePath } from './places.ts'
import { startServer } from './server.ts'

async function parts(env: Record<string, string> = {}) {
  const database = await testDatabase()
  const dir = scratchDir('s')
  onTestFinished(async () => {
    await database.drop()
    removeScratch(dir)
  })
  const config = loadConfig({
    env: {
      RUNYARD_DATA_DIR: join(dir, 'data'),
      RUNYARD_RUN_DIR: join(dir, 'run'),
      DATABASE_URL: database.url,
      RUNYARD_PORT: '0',
      ...env,
    },
  })
  const options = { version: '1.2.3', webRoot: join(dir, 'web') }
  return { database, dir, config, options }
}

test('the first start makes an administrator once; a second start finds everything again', async () => {
  const { config, options } = await parts()
  const first = await startServer(config, options)
  expect(first.admin).toMatchObject({ created: true, username: 'admin', generatedPassword: expect.any(String) })
  const { access_token } = await createApiClient({ baseUrl: first.url }).passwordGrant(
    'admin',
    first.admin.generatedPassword!,
  )
  const { id } = await createApiClient({ baseUrl: first.url, token: access_token }).calls.jobs.submit({
    command: ['true'],
    secret_env: { S: 'sealed-secret' },
  })
  expect(await readServerFile(config.dataDir)).toMatchObject({ url: first.url, pid: process.pid, version: '1.2.3' })
  expect(statSync(serverFilePath(config.dataDir)).mode & 0o777).toBe(0o600)
  await first.stop()
  await first.stop()
  expect(existsSync(serverFilePath(config.dataDir))).toBe(false)
  expect(existsSync(first.runnerSocket)).toBe(false)

  const second = await startServer(config, options)
  onTestFinished(() => second.stop())
  expect(second.admin).toEqual({ created: false, username: 'admin' })
  expect(second.localToken).toBe(first.localToken)
  // The session, the job and its sealed secret outlive the restart.
  const client = createApiClient({ baseUrl: second.url, token: access_token })
  expect((await client.calls.jobs.get({ id })).state).toBe('queued')
  const runner = await fakeRunner(second.runnerSocket)
  expect((await runner.claimOne()).secretEnv).toEqual({ S: 'sealed-secret' })
})

test('a taken port is said in words, and nothing stays behind', async () => {
  const blocker = net.createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  const { port } = blocker.address() as net.AddressInfo
  const { config, options, database } = await parts({ RUNYARD_PORT: String(port) })
  await expect(startServer(config, options)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringMatching(/in use.*--port/),
  })
  blocker.close()
  expect(existsSync(join(config.runDir, 'runner.sock'))).toBe(false)
  // A backend whose client has gone is listed until it has noticed.
  await until(async () => {
    const { rows } = await database.db.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    )
    return rows[0]?.n === 0
  }, 'the end of its connections')
})

test('health answers always; readiness and everything else says 503 within 5 s when the database is away', async () => {
  const { database, dir, config, options } = await parts()
  const way = await breakableDatabase(database.url, join(dir, 'way'))
  onTestFinished(() => way.close())
  const server = await startServer({ ...config, databaseUrl: way.url }, options)
  onTestFinished(() => server.stop())
  const headers = { authorization: `Bearer ${server.localToken}`, 'content-type': 'application/json' }
  const ask = async (path: string, init: RequestInit = {}) => {
    const begun = performance.now()
    const response = await fetch(`${server.url}/api/v1${path}`, { headers, ...init })
    const body = (await response.json()) as { title?: string; errors?: unknown[] }
    return { status: response.status, after: response.headers.get('retry-after'), ms: performance.now() - begun, body }
  }
  const submit = () => ask('/jobs', { method: 'POST', body: '{"command":["true"]}' })
  expect((await ask('/ready')).status).toBe(200)
  expect((await submit()).status).toBe(202)

  for (const how of ['refuse', 'hang'] as const) {
    await way.cut(how)
    const answers = await Promise.all([ask('/jobs'), submit(), ask('/jobs/stats'), ask('/runners'), ask('/queues')])
    for (const answer of answers) {
      expect([how, answer.status, answer.body.title]).toEqual([how, 503, 'unavailable'])
      expect(Number(answer.after)).toBeGreaterThan(0)
      expect(answer.ms).toBeLessThan(5_000)
    }
    expect((await ask('/health')).status).toBe(200)
    const ready = await ask('/ready')
    expect([ready.status, ready.body.errors]).toEqual([503, [{ field: 'database', message: 'does not answer' }]])
    await way.open()
    const begun = performance.now()
    while ((await ask('/ready')).status !== 200 || (await submit()).status !== 202) {
      expect(performance.now() - begun).toBeLessThan(10_000)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}, 60_000)

test('ten thousand jobs in one call', async () => {
  const server = await runningServer()
  onTestFinished(() => server.close())
  const jobs = Array.from({ length: 10_000 }, (_, i) => ({ command: ['true', String(i)] }))
  const { ids } = await server.client.calls.jobs.submitMany({ jobs })
  expect(new Set(ids).size).toBe(10_000)
  expect((await server.client.calls.jobs.stats()).waiting).toBe(10_000)
  await expect(server.client.calls.jobs.submitMany({ jobs: [...jobs, { command: ['true'] }] })).rejects.toMatchObject({
    code: 'invalid_argument',
  })
}, 60_000)
