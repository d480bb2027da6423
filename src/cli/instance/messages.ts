/** What a server and the commands on its machine say to each other over `clients.sock`: one JSON object a line. */
import type { Socket } from 'node:net'

export type ClientSays =
  /** First message. `runner`: this client needs jobs to be run. */
  | { type: 'join'; runner: boolean }
  /** When this connection ends without `leave`, cancel this job: its `run` was killed. */
  | { type: 'job'; id: string }
  | { type: 'leave' }
  /** Stay when the last client is gone. */
  | { type: 'keep' }
  | { type: 'stop' }

export type HostSays =
  | { type: 'progress'; text: string }
  | { type: 'ready'; url: string; version: string; pid: number }
  | { type: 'failed'; message: string }
  | { type: 'kept' }
  /** Answer to `leave`; `last`: the server stops now, the connection ends when it has. */
  | { type: 'bye'; last: boolean }

export const say = (socket: Socket, message: ClientSays | HostSays): void => {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`)
}

export function onMessages<T extends ClientSays | HostSays>(socket: Socket, take: (message: T) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > 65_536) socket.destroy()
    for (const line of lines) take(JSON.parse(line) as T)
  })
}
