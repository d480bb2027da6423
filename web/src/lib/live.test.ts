import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer, type WebSocket as ServerSocket } from 'ws'
import { LiveConnection, type ServerMessage } from './live.ts'

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()))

/** A real server that notes what it is asked. */
async function liveServer() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const asked: Record<string, unknown>[] = []
  const sockets: ServerSocket[] = []
  const waiting: (() => void)[] = []
  server.on('connection', (socket) => {
    sockets.push(socket)
    socket.on('message', (data) => {
      asked.push(JSON.parse(String(data)))
      waiting.splice(0).forEach((wake) => wake())
    })
  })
  cleanups.push(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  const port = (server.address() as AddressInfo).port
  const askedCount = async (count: number) => {
    while (asked.length < count) await new Promise<void>((wake) => waiting.push(wake))
  }
  const send = (message: ServerMessage) => sockets.at(-1)!.send(JSON.stringify(message))
  return { url: () => `ws://127.0.0.1:${port}/`, asked, sockets, askedCount, send }
}

function connect(url: () => string) {
  const live = new LiveConnection({ url, firstWait: 5, longestWait: 20 })
  cleanups.push(() => live.close())
  return live
}

test('after a break it asks again, from the offset reached by then', async () => {
  const server = await liveServer()
  const live = connect(server.url)
  let offset = 0
  const seen: ServerMessage[] = []
  let arrived = () => {}
  live.subscribe(
    () => ({ topic: 'log', job_id: 'abcdefghijkl', offset }),
    (message) => {
      seen.push(message)
      if (message.type === 'log') offset = message.offset + atob(message.data).length
      arrived()
    },
  )
  await server.askedCount(1)
  expect(server.asked[0]).toMatchObject({ type: 'subscribe', topic: 'log', offset: 0 })
  const got = new Promise<void>((resolve) => (arrived = resolve))
  server.send({ type: 'log', sub: '1', attempt: 1, stream: 'stdout', offset: 0, time: 1, data: btoa('hello') })
  await got
  server.sockets[0]!.terminate()
  await server.askedCount(2)
  expect(server.asked[1]).toMatchObject({ type: 'subscribe', id: '1', offset: 5 })
  expect(live.state).toBe('open')
})

test('one socket carries every topic, and closes with the last', async () => {
  const server = await liveServer()
  const live = connect(server.url)
  const got: string[] = []
  let arrived = () => {}
  const stopJobs = live.subscribe(
    () => ({ topic: 'jobs' }),
    (m) => {
      got.push(`jobs:${m.type}`)
      arrived()
    },
  )
  const stopJob = live.subscribe(
    () => ({ topic: 'job', job_id: 'abcdefghijkl' }),
    (m) => {
      got.push(`job:${m.type}`)
      arrived()
    },
  )
  await server.askedCount(2)
  expect(server.sockets).toHaveLength(1)
  const second = new Promise<void>((resolve) => (arrived = resolve))
  server.send({ type: 'subscribed', sub: '2' })
  await second
  expect(got).toEqual(['job:subscribed'])
  stopJobs()
  await server.askedCount(3)
  expect(server.asked[2]).toEqual({ type: 'unsubscribe', id: '1' })
  const closed = once(server.sockets[0]!, 'close')
  stopJob()
  await closed
  expect(live.state).toBe('idle')
})
