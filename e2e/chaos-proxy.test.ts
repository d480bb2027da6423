/** The rig's own proxy does what it says: a fault that does not happen would prove nothing. */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openProxy, type Proxy } from '../chaos/fleet/proxy.ts'

let server: Server
let proxy: Proxy
let asked = 0

beforeEach(async () => {
  asked = 0
  server = createServer((_request, response) => {
    asked++
    response.end('x'.repeat(1000))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  proxy = await openProxy('127.0.0.1', () => ({ host: '127.0.0.1', port }))
})
afterEach(async () => {
  await proxy.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const ask = async (ms = 10_000): Promise<string> =>
  (await fetch(`http://127.0.0.1:${proxy.port}/`, { signal: AbortSignal.timeout(ms) })).text()

test('a lost reply was produced, and the next one arrives', async () => {
  const lost = proxy.loseReply()
  await expect(ask()).rejects.toThrow('fetch failed')
  await lost
  expect(asked).toBe(1)
  expect(await ask()).toHaveLength(1000)
})

test('while it refuses nobody gets through, afterwards everybody does', async () => {
  const heal = proxy.refuse()
  await expect(ask()).rejects.toThrow('fetch failed')
  expect(asked).toBe(0)
  heal()
  expect(await ask()).toHaveLength(1000)
})

test('what it swallows on the way back was asked for, and the connection stays open', async () => {
  const heal = proxy.swallow('client')
  await expect(ask(300)).rejects.toThrow(/timeout/)
  expect(asked).toBe(1)
  heal()
  expect(await ask()).toHaveLength(1000)
})

test('what it swallows of one kind of connection leaves the others alone', async () => {
  const heal = proxy.swallow('client', (connection) => connection.said('LISTEN'))
  expect(await ask()).toHaveLength(1000)
  heal()
})

test('slowed down it takes its time', async () => {
  const heal = proxy.slow({ delayMs: 150 })
  const begun = performance.now()
  expect(await ask()).toHaveLength(1000)
  expect(performance.now() - begun).toBeGreaterThanOrEqual(290) // there and back
  heal()
})
