import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { serverMessage } from '../contract/live.ts'
import { framesOf, type LogPage } from './log-frames.ts'
import { createOutbox } from './outbox.ts'

const pageOf = (lengths: number[], fill: string): LogPage => {
  let offset = 0
  const pieces = lengths.map((length, i) => {
    const piece = { stream: 'stdout' as const, offset, time: 1_700_000_000_000 + i, bytes: Buffer.alloc(length, fill) }
    offset += length
    return piece
  })
  return { type: 'log', attempt: 1, pieces }
}

test('followers with the same words share the bytes; what they read are whole messages, in order', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const [socket, request] = (await once(server, 'connection')) as [WebSocket, IncomingMessage]
  const outbox = createOutbox(socket, request.socket)
  const page = pageOf([1, 2, 3, 40, 1_000, 48_000, 65_536, 65_536, 65_536, 65_536, 7], 'x')
  const [mine, same, other] = [framesOf(page, 'lög "1"'), framesOf(page, 'lög "1"'), framesOf(page, '2')]
  expect(mine.map((slab) => slab.bytes)).toEqual(same.map((slab) => slab.bytes))
  expect(mine.every((slab, i) => slab === same[i])).toBe(true)
  expect(other.some((slab) => mine.includes(slab))).toBe(false)
  for (const slab of [...same, ...other]) slab.release()
  const came: unknown[] = []
  client.on('message', (data) => came.push(serverMessage.parse(JSON.parse(String(data)))))
  const before = outbox.send('{"type":"subscribed","sub":"a"}')
  const sent = mine.map((slab) => outbox.sendFrames(slab.bytes, slab.release))
  const after = outbox.send('{"type":"log_end","sub":"a","attempt":1,"state":"succeeded"}')
  expect(await Promise.all([before, ...sent, after])).not.toContain(false)
  while (came.length < page.pieces.length + 2) await once(client, 'message')
  expect(came.slice(1, -1)).toEqual(
    page.pieces.map(({ bytes, ...piece }) => ({
      type: 'log',
      sub: 'lög "1"',
      attempt: 1,
      ...piece,
      data: bytes.toString('base64'),
    })),
  )
  client.close()
  await once(socket, 'close')
  server.close()
})

test('memory of frames that somebody still holds is not used for others', () => {
  const held = framesOf(pageOf([65_536, 65_536], 'a'), 's')
  const copies = held.map((slab) => Buffer.from(slab.bytes))
  // Far more than is kept for followers that come later.
  for (let i = 0; i < 200; i++) {
    for (const slab of framesOf(pageOf([65_536, 65_536], 'b'), 's')) slab.release()
  }
  expect(held.every((slab, i) => slab.bytes.equals(copies[i]!))).toBe(true)
  for (const slab of held) slab.release()
})
