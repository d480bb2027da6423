import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createOutbox } from './outbox.ts'

test('a stalled peer stops the sender below 1 MiB, and nothing is lost when it goes on', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { perMessageDeflate: false })
  const [socket, request] = (await once(server, 'connection')) as [WebSocket, IncomingMessage]
  await once(client, 'open')
  client.pause()
  const outbox = createOutbox(socket, request.socket)
  const message = 'x'.repeat(88 * 1024)
  let sent = 0
  let most = 0
  const total = 600
  const sending = (async () => {
    for (let i = 0; i < total; i++) {
      expect(await outbox.send(message)).toBe(true)
      sent += 1
      most = Math.max(most, socket.bufferedAmount)
    }
  })()
  let before = -1
  while (sent !== before) {
    before = sent
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(sent).toBeLessThan(total)
  expect(outbox.full()).toBe(true)
  let received = 0
  client.on('message', () => (received += 1))
  client.resume()
  await sending
  expect(most).toBeLessThanOrEqual(1024 * 1024)
  while (received < total) await once(client, 'message')
  client.close()
  await once(socket, 'close')
  expect(await outbox.send(message)).toBe(false)
  server.close()
})

test('senders that wait are let go when the socket closes', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const [socket, request] = (await once(server, 'connection')) as [WebSocket, IncomingMessage]
  await once(client, 'open')
  client.pause()
  const outbox = createOutbox(socket, request.socket)
  const sends = Array.from({ length: 200 }, () => outbox.send('x'.repeat(100_000)))
  socket.terminate()
  client.terminate()
  expect(await Promise.all(sends)).toContain(false)
  server.close()
})
