import { statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../testing/until.ts'
import { socketName } from './protocol.ts'
import { mostConnections, openProxy } from './proxy.ts'
import { createOrigins, sayTo } from './testing/origins.ts'

let origins: Awaited<ReturnType<typeof createOrigins>>
let port: number
let rawPort: number
beforeAll(async () => {
  origins = await createOrigins()
  ;({ port, rawPort } = origins)
})
afterAll(() => origins?.close())
test('its directory opens the way: nobody can list it, everybody inside can use it', () => {
  expect(statSync(join(origins.dir, 'a')).mode & 0o777).toBe(0o711)
  expect(statSync(origins.socket).mode & 0o777).toBe(0o666)
})

test('what was refused is told once each, the first twenty', async () => {
  const list = [`127.0.0.1:${port}`]
  const way = await openProxy({ dir: join(origins.dir, 'c'), list, allow: list, lookup: origins.lookUp })
  const path = join(origins.dir, 'c', socketName)
  for (let i = 0; i < 25; i++) await sayTo(path, `CONNECT n${Math.floor(i / 2) * 2}.test:443 HTTP/1.1\r\n\r\n`)
  for (let i = 0; i < 25; i++) await sayTo(path, `CONNECT m${i}.test:443 HTTP/1.1\r\n\r\n`)
  expect(way.refused().slice(0, 2)).toEqual(['n0.test:443', 'n2.test:443'])
  expect(way.refused()).toHaveLength(20)
  await way.close()
})

test('so many connections and no more; all end with the way', async () => {
  const list = [`127.0.0.1:${rawPort}`]
  const way = await openProxy({ dir: join(origins.dir, 'd'), list, allow: list })
  const path = join(origins.dir, 'd', socketName)
  let open = 0
  let shut = 0
  const sockets = Array.from({ length: mostConnections + 10 }, () => {
    const socket = connect(path)
    socket.on('error', () => {})
    socket.once('data', () => open++)
    socket.once('close', () => shut++)
    socket.write(`CONNECT 127.0.0.1:${rawPort} HTTP/1.1\r\n\r\n`)
    return socket
  })
  await until(() => open === mostConnections && shut === 10)
  await way.close()
  await until(() => shut === sockets.length)
})
