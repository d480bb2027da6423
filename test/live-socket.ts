/** A WebSocket of the API, what came over it, and a wait for what should come. */
import { WebSocket } from 'ws'
import type { ClientMessage, ServerMessage } from '../src/api/contract/live.ts'

export interface LiveSocket {
  socket: WebSocket
  came: ServerMessage[]
  send(message: ClientMessage): void
  /** The first message, also of those that came already, for which this holds. */
  until(found: (message: ServerMessage) => boolean): Promise<ServerMessage>
}

export async function liveSocket(serverUrl: string, token: string): Promise<LiveSocket> {
  const url = `${serverUrl.replace('http', 'ws')}/api/v1/ws`
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } })
  const came: ServerMessage[] = []
  const waiting: (() => void)[] = []
  socket.on('message', (data) => {
    came.push(JSON.parse(String(data)) as ServerMessage)
    for (const look of [...waiting]) look()
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    socket,
    came,
    send: (message) => socket.send(JSON.stringify(message)),
    until(found) {
      return new Promise((resolve) => {
        const look = (): void => {
          const hit = came.find(found)
          if (hit === undefined) return
          waiting.splice(waiting.indexOf(look), 1)
          resolve(hit)
        }
        waiting.push(look)
        look()
      })
    },
  }
}
