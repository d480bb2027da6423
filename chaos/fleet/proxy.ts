/**
 * A TCP proxy that misbehaves when told to: it loses a reply after it was produced, cuts, swallows, slows down. It sees
 * bytes only, so it does the same to HTTP, to gRPC under TLS and to PostgreSQL.
 */
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Proxy {
  host: string
  port: number
  /** Connections that are open through it. */
  open(): number
  /** The next reply is produced and never arrives: the connection it comes on is reset instead. Resolves when it was. */
  loseReply(): Promise<void>
  /** Resets every connection. */
  cut(): void
  /** Until healed, new connections are reset, and open ones now. */
  refuse(): () => void
  /** Until healed, connections stay open and nothing passes towards that side; what was swallowed is gone for good. */
  swallow(towards: 'client' | 'server' | 'both', only?: (connection: Connection) => boolean): () => void
  /** Until healed, every piece is held up, or only so many bytes pass in a second. */
  slow(by: { delayMs?: number; bytesPerSecond?: number }): () => void
  close(): Promise<void>
}

export interface Connection {
  /** Whether these bytes were among what the client has sent so far. */
  said(word: string): boolean
}

export type Target = { path: string } | { host: string; port: number }

/** Of a connection's beginnings: enough to tell what it is for. */
const rememberBytes = 64 * 1024

export async function openProxy(host: string, target: () => Target): Promise<Proxy> {
  const live = new Set<{ reset(): void }>()
  let refusing = false
  let swallowing: { client: boolean; server: boolean; only(connection: Connection): boolean } | null = null
  let slowness: { delayMs?: number; bytesPerSecond?: number } | null = null
  let loses: (() => void)[] = []

  const server = net.createServer({ noDelay: true }, (client) => {
    client.on('error', () => {})
    if (refusing) return void client.resetAndDestroy()
    const upstream = net.connect({ ...target(), noDelay: true } as net.NetConnectOpts)
    upstream.on('error', () => {})
    let asked = false
    let words = ''
    const connection: Connection = { said: (word) => words.includes(word) }
    const one = {
      reset(): void {
        live.delete(one)
        reset(client)
        reset(upstream)
      },
    }
    live.add(one)
    client.once('close', () => (live.delete(one), upstream.destroy()))
    upstream.once('close', () => (live.delete(one), client.destroy()))

    const isSwallowed = (side: 'client' | 'server'): boolean =>
      swallowing !== null && swallowing[side] && swallowing.only(connection)
    pump(client, upstream, async (bytes) => {
      if (words.length < rememberBytes) words += bytes.toString('latin1')
      await hold(bytes)
      if (isSwallowed('server')) return null
      asked = true
      return bytes
    })
    pump(upstream, client, async (bytes) => {
      await hold(bytes)
      if (isSwallowed('client')) return null
      if (loses.length > 0 && asked) {
        for (const told of loses.splice(0)) told()
        one.reset()
        return null
      }
      return bytes
    })
  })
  const hold = async (bytes: Buffer): Promise<void> => {
    if (slowness === null) return
    const { delayMs = 0, bytesPerSecond } = slowness
    const ms = delayMs + (bytesPerSecond === undefined ? 0 : (bytes.length / bytesPerSecond) * 1000)
    // In steps, so that what is healed meanwhile flows.
    for (const end = performance.now() + ms; performance.now() < end && slowness !== null;) {
      await sleep(Math.min(50, Math.max(1, end - performance.now())))
    }
  }
  await new Promise<void>((resolve, reject) => server.listen(0, host, resolve).once('error', reject))

  const cut = (): void => {
    for (const one of [...live]) one.reset()
  }
  return {
    host,
    port: (server.address() as net.AddressInfo).port,
    open: () => live.size,
    loseReply: () => new Promise((resolve) => loses.push(resolve)),
    cut,
    refuse() {
      refusing = true
      cut()
      return () => void (refusing = false)
    },
    swallow(towards, only = () => true) {
      swallowing = { client: towards !== 'server', server: towards !== 'client', only }
      return () => {
        swallowing = null
        // After a hole in its stream no connection is of use.
        cut()
      }
    },
    slow(by) {
      slowness = by
      return () => void (slowness = null)
    },
    async close() {
      loses = []
      const closed = new Promise((resolve) => server.close(resolve))
      cut()
      await closed
    },
  }
}

/** One after another and with the reader's pace: what is slow to leave is slow to be taken. */
function pump(from: net.Socket, to: net.Socket, pass: (bytes: Buffer) => Promise<Buffer | null>): void {
  let flows = (): void => {}
  to.on('drain', () => flows())
  to.on('close', () => flows())
  void (async () => {
    try {
      for await (const bytes of from) {
        const passed = await pass(bytes as Buffer)
        if (passed !== null && to.writable && !to.write(passed)) await new Promise<void>((resolve) => (flows = resolve))
      }
      to.end()
    } catch {
      to.destroy()
    }
  })()
}

function reset(socket: net.Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
