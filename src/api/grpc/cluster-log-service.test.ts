import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../test/until.ts'
import type { OwnLogs } from '../../operations/log-peers.ts'
import { createCallServer } from './call-server.ts'
import { clusterLogRoutes } from './cluster-log-service.ts'
import { localPeer, setPeer } from './peer.ts'
import { LogService, Stream } from './gen/runyard/cluster/v1/log_service_pb.js'
import { sessionSettings } from './sessions.ts'

const pageBytes = 256 * 1024

/** A log without an end, which counts how many of its pages were taken. */
function endless() {
  const taken = { pages: 0, over: 0 }
  const logs: OwnLogs = {
    name: 'that',
    readArtifact: async (blob, offset, limit) => Buffer.from(`${blob} ${offset}`.repeat(100)).subarray(0, limit),
    size: async (_, stream) => (stream === 'stderr' ? 5 : 7),
    read: async (key, { offset, limit }) => ({
      bytes: Buffer.from(`${key} ${offset} ${limit}`),
      size: 7,
      sealed: true,
    }),
    async *follow(key, { offset }, signal) {
      try {
        if (key === '2-1') return 'ended'
        if (key === '3-1') return 'removed'
        for (let at = offset; !signal.aborted; at += pageBytes) {
          await sleep(0)
          taken.pages += 1
          yield [{ stream: 'stdout', offset: at, time: 9, bytes: Buffer.alloc(pageBytes) }]
        }
        return 'aborted'
      } finally {
        taken.over += 1
      }
    },
  }
  return { logs, taken }
}

async function served(logs: OwnLogs): Promise<Client<typeof LogService>> {
  const peer = { ...localPeer, name: 'other', role: 'server' as const }
  const noteRefused = () => Promise.resolve()
  const calls = { routes: clusterLogRoutes(logs), frequent: [], noteRefused }
  const server = http2.createServer({ settings: sessionSettings })
  server.on('session', (session) => setPeer(session, peer))
  server.on('stream', createCallServer(calls, new AbortController().signal))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sessionManager = new Http2SessionManager(baseUrl, {}, { settings: sessionSettings })
  onTestFinished(() => {
    sessionManager.abort()
    server.close()
  })
  return createClient(LogService, createGrpcTransport({ baseUrl, sessionManager, acceptCompression: [] }))
}

const asked = { server: 'that', attemptKey: '1-1', stream: Stream.UNSPECIFIED, offset: 0n }

test('a follower that stalls takes no more than a few windows, and one that leaves ends its reading', async () => {
  const { logs, taken } = endless()
  const client = await served(logs)
  const leave = new AbortController()
  const pages = client.follow(asked, { signal: leave.signal })[Symbol.asyncIterator]()
  await pages.next()
  // Until the windows are full.
  let before = -1
  await until(async () => {
    if (before === taken.pages) return true
    before = taken.pages
    await sleep(300)
    return false
  })
  expect(taken.pages * pageBytes).toBeLessThan(8 * 1024 * 1024)
  for (let i = 0; i < 40; i++) await pages.next()
  expect(taken.pages).toBeGreaterThan(40)
  leave.abort()
  await until(() => taken.over === 1, 'the end of the reading')
})

test('the end of a log and its going elsewhere are told apart', async () => {
  const client = await served(endless().logs)
  for (const [attemptKey, ended] of [
    ['2-1', [true]],
    ['3-1', []],
  ] as const) {
    const seen: boolean[] = []
    for await (const answer of client.follow({ ...asked, attemptKey })) seen.push(answer.ended)
    expect(seen).toEqual(ended)
  }
})

test('a question for another server is refused, whatever it asks', async () => {
  const client = await served(endless().logs)
  const wrong = { ...asked, server: 'other' }
  const words = 'this is server that, not other: RUNYARD_GRPC_ADDRESS of other must lead to it'
  await expect(client.size(wrong)).rejects.toThrow(words)
  await expect(client.read({ ...wrong, limit: 9 })).rejects.toThrow(words)
  await expect(client.follow(wrong)[Symbol.asyncIterator]().next()).rejects.toThrow(words)
  expect((await client.size({ ...asked, stream: Stream.STDERR })).size).toBe(5n)
  const { bytes, size, sealed } = await client.read({ ...asked, offset: 3n, limit: 9 })
  expect([Buffer.from(bytes).toString(), size, sealed]).toEqual(['1-1 3 9', 7n, true])
  await expect(client.size({ ...asked, stream: 7 as Stream })).rejects.toThrow('stream is stdout (1)')
})
