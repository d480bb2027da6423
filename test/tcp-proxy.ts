/** Stands between us and a server's unix socket, and can go silent or cut the line. */
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { withName } from './database-setup.ts'
import { removeScratch, scratchDir } from './scratch.ts'

export interface Proxy {
  /** The database's address through the proxy. */
  url: string
  /** Keeps the connections open and passes nothing on: a half-open peer. */
  silence(): void
  /** Passes on again, for new connections. */
  speak(): void
  /** Ends every connection. */
  cut(): void
  close(): Promise<void>
}

export async function proxyTo(url: string): Promise<Proxy> {
  const target = decodeURIComponent(/[?&]host=([^&]+)/.exec(url)?.[1] ?? '')
  if (!target.startsWith('/')) throw new Error('the proxy is for servers on a unix socket')
  const dir = scratchDir()
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer((front) => {
    const back = connect(join(target, '.s.PGSQL.5432'))
    for (const [from, to] of [
      [front, back],
      [back, front],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => void (silent || to.write(bytes)))
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        if (!silent) to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(join(dir, '.s.PGSQL.5432'), resolve))
  const cut = (): void => sockets.forEach((socket) => socket.destroy())
  const name = /\/([^/?]+)\?/.exec(url)?.[1] ?? 'postgres'
  return {
    url: withName(url.replace(/([?&]host=)[^&]+/, `$1${encodeURIComponent(dir)}`), name),
    silence: () => (silent = true),
    speak: () => (silent = false),
    cut,
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
      removeScratch(dir)
    },
  }
}
