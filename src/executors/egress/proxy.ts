/** The way out of one attempt: a socket that speaks HTTP and SOCKS 5, and a gate behind it. */
import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join as joinPath } from 'node:path'
import { createGate, type GateOptions } from './gate.ts'
import { createHttpProxy } from './http.ts'
import { socketName } from './protocol.ts'
import { serveSocks, socksVersion } from './socks.ts'

/** Connections of one attempt at once; each may hold some 256 KiB. */
export const mostConnections = 128
const mostRefused = 20
/** Until it has said a word. */
const silentMs = 60_000

export interface ProxyOptions extends Pick<GateOptions, 'list' | 'allow' | 'lookup'> {
  /** Made here; whoever can enter it may use this way. */
  dir: string
}

export interface Proxy {
  /** `host:port` of what was refused, the first ones. */
  refused(): string[]
  close(): Promise<void>
}

export async function openProxy({ dir, ...options }: ProxyOptions): Promise<Proxy> {
  const refused = new Set<string>()
  const onRefused = (to: string): void => void (refused.size < mostRefused && refused.add(to))
  const gate = createGate({ ...options, onRefused })
  const http = createHttpProxy(gate)
  const clients = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (clients.size >= mostConnections) return void client.destroy()
    clients.add(client)
    client.on('error', () => {}) // `close` follows
    client.once('close', () => clients.delete(client))
    client.setTimeout(silentMs, () => client.destroy())
    client.once('data', (first: Buffer) => {
      client.setTimeout(0)
      client.removeAllListeners('timeout')
      client.pause()
      client.unshift(first)
      if (first[0] === socksVersion) return serveSocks(gate, client)
      http.emit('connection', client)
      client.resume()
    })
    client.once('end', () => void (client.bytesRead === 0 && client.destroy()))
  })
  await mkdir(dir, { recursive: true, mode: 0o711 })
  await chmod(dir, 0o711)
  const path = joinPath(dir, socketName)
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  // Whoever runs the job; only its own sandbox sees the directory.
  await chmod(path, 0o666)
  return {
    refused: () => [...refused],
    async close() {
      server.close()
      http.close()
      for (const client of clients) client.destroy()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
