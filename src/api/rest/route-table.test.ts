/** Without a database: the routes themselves. R1: every one needs a principal unless it is on the exact list. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../../lib/app-error.ts'
import type { Operations } from '../../operations/index.ts'
import { metricsPath, openRoutes } from '../contract/plain.ts'
import { createHttpApp } from './app.ts'

let app: FastifyInstance
const asked: string[] = []

beforeAll(async () => {
  // An operation that is reached by somebody who was not let in would show up here.
  const operations = new Proxy({} as Operations, {
    get(_target, name) {
      if (name === 'noteRefusal') return async () => {}
      return () => {
        asked.push(String(name))
        throw new AppError('unauthenticated', 'wrong username or password')
      }
    },
  })
  app = await createHttpApp({
    operations,
    authenticate: async ({ bearer, cookie }) => {
      if (bearer === 'good' || cookie === 'good') {
        return { kind: 'user', userId: '1', username: 'anna', role: 'operator' }
      }
      throw new AppError('unauthenticated', 'the token is wrong or expired')
    },
    whileThere: (work) => work(),
    version: '1.2.3',
    bodyLimitBytes: 1024,
    corsOrigins: ['https://friend.example'],
    trustProxy: false,
    requestsPerMinute: 0,
    webRoot: '/nonexistent',
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(() => app.close())

/** As it is typed: fetch and inject would tidy the path up. */
function rawStatus(method: string, path: string): Promise<number | undefined> {
  const { port } = app.server.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', method, path, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', reject).end()
  })
}

const concrete = (url: string): string => url.replace(':id', 'abcdefghijkl').replace(':name', 'default')
const apiRoutes = () => app.routeTable.filter(({ url }) => url.startsWith('/api') || url === metricsPath)

test('the open routes are exactly the listed ones', async () => {
  expect(apiRoutes().length).toBeGreaterThan(20)
  const open: string[] = []
  for (const { method, url } of apiRoutes()) {
    for (const headers of [{}, { authorization: 'Bearer garbage' }, { cookie: 'runyard_session=garbage' }]) {
      const response = await app.inject({ method: method as 'GET', url: concrete(url), headers })
      const refused = response.statusCode === 401 && /token|sign in first/.test(response.body || 'token')
      if (!refused && method !== 'HEAD') open.push(`${method} ${url}`)
      if (!refused && method === 'HEAD') expect(openRoutes).toContain(`GET ${url}`)
    }
  }
  expect([...new Set(open)].toSorted()).toEqual(openRoutes.toSorted())
})

test.each([
  '/api/v1//jobs',
  '/api/v1/./jobs',
  '/api/v1/jobs;x=/health',
  '/api/v1/health/',
  '/api/v1/health/../jobs',
  '/api/v1/%68ealth',
  '/api/v1/jobs/%2e%2e/health',
  '/API/v1/health',
  '/api/v1/Health',
  '/api/v1/healthz',
  '/api/v1/jobs/health',
  '//api/v1/jobs',
  '/api/v2/jobs',
  '/api/',
  '/api/v1/auth/session/',
  '/api/v1/openapi.json/',
  '/api/v1/health?/../jobs/../../v1/jobs'.replace('?', '%3f'),
  '/%61pi/v1/jobs',
  '/metrics',
  '/metrics/',
  '//metrics',
  '/METRICS',
  '/./metrics',
  '/metrics;x',
  '/%6detrics',
])('no path trick opens anything: %s', async (url) => {
  for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'DELETE'] as const) {
    expect([url, method, await rawStatus(method, url)]).toEqual([url, method, 401])
  }
})

test('no operation was reached by anybody who was not let in', () => {
  expect(asked.filter((name) => name !== 'signIn' && name !== 'notReady')).toEqual([])
})

test('a 401 says how to come in, as a problem body', async () => {
  const response = await app.inject({ url: '/api/v1/jobs' })
  expect(response.headers['www-authenticate']).toMatch(/^Bearer/)
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(response.json()).toMatchObject({ title: 'unauthenticated', status: 401, errors: [] })
})

test('the OpenAPI document has every registered route, and no other', async () => {
  const document = (await app.inject({ url: '/api/v1/openapi.json' })).json()
  expect(document.openapi).toBe('3.1.1')
  const described = Object.entries(document.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} /api/v1${path}`),
  )
  const registered = apiRoutes()
    .filter(({ method, url }) => method !== 'HEAD' && url !== metricsPath)
    .map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{name}')}`)
  expect(described.toSorted()).toEqual(registered.toSorted())
  for (const name of openRoutes) {
    const [method = '', url = ''] = name.split(' ')
    expect(document.paths[url.replace('/api/v1', '')][method.toLowerCase()].security).toEqual([])
  }
})

const withToken = { authorization: 'Bearer good' }
const post = (payload: string | Buffer, headers: Record<string, string>) =>
  app.inject({ method: 'POST', url: '/api/v1/jobs', payload, headers: { ...withToken, ...headers } })

test('R9: forms and text are not JSON', async () => {
  for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x']) {
    expect((await post('command=true', { 'content-type': type })).statusCode).toBe(415)
  }
  const zipped = await post('x', { 'content-type': 'application/json', 'content-encoding': 'gzip' })
  expect(zipped.statusCode).toBe(415)
})

test('a body that is too large, no JSON, or no object is refused in words', async () => {
  const json = { 'content-type': 'application/json' }
  const large = await post(JSON.stringify({ command: ['x'.repeat(2000)] }), json)
  expect([large.statusCode, large.json().title]).toEqual([413, 'resource_exhausted'])
  expect(large.json().detail).toMatch(/larger than 1024 bytes/)
  expect((await post('{"command":', json)).statusCode).toBe(400)
  for (const body of ['[1]', 'null', '"x"', '']) {
    const refused = await post(body, body === '' ? {} : json)
    expect([body, refused.statusCode, refused.json().detail]).toEqual([body, 422, 'the body must be a JSON object'])
  }
})

test('R4: unknown and privileged fields are named, at every level', async () => {
  const payload =
    '{"command":["true"],"uid":0,"run_as":"root","limits":{"gid":0},"retry":{"role":"admin"},"__proto__":{"role":"admin"}}'
  const response = await post(payload, { 'content-type': 'application/json' })
  expect(response.statusCode).toBe(422)
  const proto = response.json().errors.map((e: { field: string }) => e.field)
  expect(proto.toSorted()).toEqual(['__proto__', 'limits.gid', 'retry.role', 'run_as', 'uid'])
})

test('what JSON lets through and what the schema refuses come in one answer, and nothing runs', async () => {
  asked.length = 0
  const json = { 'content-type': 'application/json' }
  const env = String.raw`{"A=B":"x","C":"a\u0000","__proto__":"x"}`
  const response = await post(`{"command":["true"],"priority":"high","env":${env}}`, json)
  expect(response.statusCode).toBe(422)
  const fields = response.json().errors.map((e: { field: string }) => e.field)
  expect(fields.toSorted()).toEqual(['env.A=B', 'env.C', 'env.__proto__', 'priority'])
  expect((await post(String.raw`{"command":["a\u0000"]}`, json)).json().detail).toBe(
    'command[0]: must not contain a NUL character',
  )
  expect((await post(String.raw`{"command":["true"],"payload":"\ud800"}`, json)).statusCode).toBe(422)
  expect(asked).toEqual([])
})

test('another method at an address that exists is a 405 that names the right ones', async () => {
  for (const [method, url, allow] of [
    ['PUT', '/api/v1/jobs', 'GET, HEAD, POST'],
    ['DELETE', '/api/v1/jobs?x=1', 'GET, HEAD, POST'],
    ['PUT', '/api/v1/jobs/abcdefghijkl', 'DELETE, GET, HEAD'],
    ['GET', '/api/v1/jobs/abcdefghijkl/cancel', 'POST'],
  ] as const) {
    const response = await app.inject({ method, url, headers: withToken })
    expect([url, response.statusCode, response.headers.allow]).toEqual([url, 405, allow])
  }
  expect((await app.inject({ method: 'PUT', url: '/api/v1/nothing', headers: withToken })).statusCode).toBe(404)
})

test('a query is answered in words too', async () => {
  const response = await app.inject({
    url: '/api/v1/jobs/abcdefghijkl/logs?download=maybe&attempt=x&stream=both',
    headers: withToken,
  })
  expect(response.json().errors).toEqual([
    { field: 'stream', message: 'must be one of "stdout", "stderr", "all"' },
    { field: 'attempt', message: 'must be a whole number' },
    { field: 'download', message: 'must be one of "true", "false"' },
  ])
})

test('a cursor that no answer gave is refused', async () => {
  const response = await app.inject({ url: '/api/v1/jobs?cursor=abc', headers: withToken })
  expect(response.statusCode).toBe(422)
  expect(response.json().errors).toEqual([{ field: 'cursor', message: 'must be the next_cursor of an earlier answer' }])
})

test('R9: with the cookie, only a page of ours changes anything', async () => {
  const cookie = 'runyard_session=good'
  const send = (headers: Record<string, string>) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/jobs',
      payload: { command: [] },
      headers: { cookie, host: 'runyard.example:8000', ...headers },
    })
  for (const origin of ['http://evil.example', 'null', 'https://runyard.example:8000', 'http://runyard.example']) {
    expect((await send({ origin })).statusCode).toBe(403)
  }
  expect((await send({})).statusCode).toBe(403)
  // Let in, and refused for its body only.
  expect((await send({ origin: 'http://runyard.example:8000' })).statusCode).toBe(422)
  expect((await send({ origin: 'https://friend.example' })).statusCode).toBe(422)
  const signIn = { username: 'a', password: 'b' }
  const foreign = { origin: 'http://evil.example', host: 'runyard.example:8000' }
  const session = await app.inject({ method: 'POST', url: '/api/v1/auth/session', payload: signIn, headers: foreign })
  expect(session.statusCode).toBe(403)
})

test('CORS answers listed origins only', async () => {
  const preflight = (origin: string) =>
    app.inject({
      method: 'OPTIONS',
      url: '/api/v1/jobs',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
  const friend = await preflight('https://friend.example')
  expect([friend.statusCode, friend.headers['access-control-allow-origin']]).toEqual([204, 'https://friend.example'])
  const stranger = await preflight('https://stranger.example')
  expect([stranger.statusCode, stranger.headers['access-control-allow-origin']]).toEqual([401, undefined])
})

test('pages run no inline script and are framed by nobody', async () => {
  const page = await app.inject({ url: '/' })
  expect(page.body).toMatch(/npm run prepare/)
  const policy = String(page.headers['content-security-policy'])
  expect(policy).toMatch(/script-src 'self'(;|$)/)
  expect(policy).toMatch(/frame-ancestors 'none'/)
  expect(page.headers['x-content-type-options']).toBe('nosniff')
  expect((await app.inject({ url: '/no/such.file' })).statusCode).toBe(404)
})
