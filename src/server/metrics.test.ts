import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runningServer, type TestServer } from '../../test/running-server.ts'

let server: TestServer
let port: number
beforeAll(async () => {
  port = await freePort()
  server = await runningServer({ RUNYARD_METRICS_PORT: String(port) })
})
afterAll(() => server.close())

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const found = (probe.address() as AddressInfo).port
  probe.close()
  await once(probe, 'close')
  return found
}

const scrape = (authorization?: string, url = server.url): Promise<Response> =>
  fetch(`${url}/metrics`, authorization === undefined ? {} : { headers: { authorization } })

test('Prometheus reads it with a token that may do nothing else', async () => {
  const { client } = await server.person('viewer')
  const { token } = await client.calls.tokens.create({ name: 'prometheus', scopes: ['metrics:read'] })
  const response = await scrape(`Bearer ${token}`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(response.headers.get('cache-control')).toBe('no-store')
  const text = await response.text()
  expect(text).toMatch(/^runyard_upkeep_leader [01]$/m)
  expect(text).toMatch(/^runyard_database_up 1$/m)
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m)
  expect(text).toMatch(/^process_resident_memory_bytes /m)
  expect((await server.fetch('/jobs', { token })).status).toBe(403)
})

test('without a token, or with one for other things, nothing is told', async () => {
  const { client } = await server.person('operator')
  const { token } = await client.calls.tokens.create({ name: 'other', scopes: ['jobs:read'] })
  for (const [header, status] of [
    [undefined, 401],
    ['Bearer garbage', 401],
    [`Bearer ${token}`, 403],
  ] as const) {
    const response = await scrape(header)
    expect(response.status).toBe(status)
    expect(await response.text()).not.toContain('runyard_')
  }
})

test('the port for this machine needs no token, and serves nothing else and no page', async () => {
  const local = `http://127.0.0.1:${port}`
  expect(await (await scrape(undefined, local)).text()).toMatch(/^runyard_database_up 1$/m)
  expect((await fetch(`${local}/api/v1/jobs`)).status).toBe(404)
  expect((await fetch(`${local}/metrics`, { method: 'POST' })).status).toBe(404)
})
