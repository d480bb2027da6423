/** How many requests an account may make, from where, and of what kind. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppError } from '../../lib/app-error.ts'
import type { Operations } from '../../operations/index.ts'
import { createHttpApp } from './app.ts'

const most = 5
let app: Awaited<ReturnType<typeof createHttpApp>>
beforeAll(async () => {
  const operations = new Proxy({} as Operations, {
    get: (_target, name) => async () => {
      if (name === 'openLog') throw new AppError('not_found', 'no log')
      return name === 'whoAmI' ? { kind: 'user', username: 'anna', role: 'operator' } : undefined
    },
  })
  app = await createHttpApp({
    operations,
    authenticate: async ({ bearer = '' }) => ({ kind: 'user', userId: bearer, username: bearer, role: 'operator' }),
    whileThere: (work) => work(),
    ...{ version: '1', bodyLimitBytes: 1024, corsOrigins: [], trustProxy: false, webRoot: '/nonexistent' },
    requestsPerMinute: most,
  })
})
afterAll(() => app.close())

const ask = (who: string, url = '/api/v1/me', remoteAddress = '192.0.2.7') =>
  app.inject({ url, remoteAddress, headers: { authorization: `Bearer ${who}` } })

test('beyond the limit: 429 with the wait, for this account and no other', async () => {
  for (let i = 0; i < most; i++) expect((await ask('anna')).statusCode).toBe(200)
  const refused = await ask('anna', '/api/v1/me', '192.0.2.8')
  expect(refused.statusCode).toBe(429)
  expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
  expect(refused.json()).toMatchObject({ title: 'resource_exhausted', status: 429 })
  expect((await ask('ben')).statusCode).toBe(200)
})

test('this machine, logs and open routes are not counted', async () => {
  for (let i = 0; i < 2 * most; i++) {
    expect((await ask('carla', '/api/v1/me', '127.0.0.1')).statusCode).toBe(200)
    expect((await ask('carla', '/api/v1/me', '::ffff:127.0.0.1')).statusCode).toBe(200)
    expect((await ask('carla', '/api/v1/jobs/abcdefghijkl/logs')).statusCode).toBe(404)
    expect((await ask('carla', '/api/v1/health')).statusCode).toBe(200)
  }
  for (let i = 0; i < most; i++) expect((await ask('carla')).statusCode).toBe(200)
  expect((await ask('carla')).statusCode).toBe(429)
})
