/** A link that can be cut: connections through it end at once, or hear nothing more. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface Link {
  port: number
  /** `silently`: nobody is told. */
  cut(silently?: boolean): void
  mend(): void
  close(): void
}

export async function createLink(to: number): Promise<Link> {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((here) => {
    if (isCut) return void here.destroy()
    const there = connect({ port: to, host: '127.0.0.1' })
    for (const socket of [here, there]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    here.pipe(there)
    there.pipe(here)
    here.on('close', () => there.destroy())
    there.on('close', () => here.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    cut(silently = false) {
      isCut = true
      for (const socket of sockets) {
        if (silently) socket.unpipe().pause()
        else socket.destroy()
      }
    },
    mend() {
      isCut = false
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
