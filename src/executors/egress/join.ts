/** Two connections become one: bytes both ways, at the pace of the slower side, each direction ended by itself. */
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'

/** With nothing said either way for so long it is given up. */
export const idleMs = 15 * 60_000
const lastWordsMs = 2000

/** The last words to somebody who may go on talking. */
export function sayLast(client: Duplex, words: string | Uint8Array): void {
  client.end(words)
  client.resume()
  const late = setTimeout(() => client.destroy(), lastWordsMs)
  client.once('close', () => clearTimeout(late))
}

export function join(client: Duplex, server: Socket, idle: number = idleMs): void {
  client.pipe(server)
  server.pipe(client)
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.on('error', () => other.destroy())
    // What was taken from it may still be on its way to the other.
    one.on('close', () => void (other.writableEnded || other.destroy()))
  }
  server.setTimeout(idle, () => {
    server.destroy()
    client.destroy()
  })
}
