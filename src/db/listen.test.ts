import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { proxyTo } from '../../test/tcp-proxy.ts'
import { until } from '../../test/until.ts'
import { listen } from './listen.ts'

let base: TestDatabase
beforeAll(async () => {
  base = await testDatabase()
})
afterAll(() => base.drop())

const notify = (channel: string, payload: string): Promise<unknown> =>
  base.db.query('select pg_notify($1, $2)', [channel, payload])

const terminateListeners = (): Promise<unknown> =>
  base.db.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%listen' and datname = current_database()",
  )

test('each channel reaches its own handler, and a handler that throws silences nothing', async () => {
  const heard: string[] = []
  const channels = {
    runyard_work: () => {
      heard.push('work')
      throw new Error('a bad handler')
    },
    runyard_jobs: (ids: string) => void heard.push(ids),
  }
  const listener = listen(base.url, channels, () => {})
  try {
    await listener.ready
    await notify('runyard_work', '')
    await notify('elsewhere', 'x')
    await notify('runyard_jobs', 'a,b')
    await until(() => heard.length === 2)
    expect(heard).toEqual(['work', 'a,b'])
  } finally {
    await listener.stop()
  }
  await notify('runyard_jobs', 'late')
  expect(heard).toHaveLength(2)
})

test('a lost connection is opened and listened on again, and the gap is told', async () => {
  const heard: string[] = []
  let gaps = 0
  const listener = listen(base.url, { c: (payload) => void heard.push(payload) }, () => void gaps++)
  try {
    await listener.ready
    expect(gaps).toBe(0)
    await terminateListeners()
    await until(() => gaps === 1, 'the reconnect')
    await notify('c', 'after')
    await until(() => heard.includes('after'))
  } finally {
    await listener.stop()
  }
})

test('a half-open connection is found out and replaced', async () => {
  const proxy = await proxyTo(base.url)
  let gaps = 0
  const target = { connectionString: proxy.url, connectionTimeoutMillis: 200 }
  const listener = listen(target, { c: () => {} }, () => void gaps++, { probeMs: 50, probeTimeoutMs: 100 })
  try {
    await listener.ready
    proxy.silence()
    await new Promise((resolve) => setTimeout(resolve, 300))
    proxy.speak()
    await until(() => gaps > 0, 'the reconnect')
  } finally {
    await listener.stop()
    await proxy.close()
  }
})

test('it stops at once, also while the database is away', async () => {
  const listener = listen('postgresql://x@/x?host=/nonexistent', { c: () => {} }, () => {})
  await new Promise((resolve) => setTimeout(resolve, 50))
  const begun = performance.now()
  await listener.stop()
  expect(performance.now() - begun).toBeLessThan(1500)
})
