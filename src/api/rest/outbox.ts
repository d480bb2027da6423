/**
 * What is sent over one WebSocket, in order and bounded: a sender waits while the peer has not taken what was sent
 * before. So a stalled follower costs its socket buffer and nothing else grows.
 */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { frameBytes } from './frame-slabs.ts'

/** With one page of frames more this stays below the promised 1 MiB. */
const highWater = 512 * 1024

/** Of frames for all sockets together; what several of them wait for counts once. Then each waits with less. */
const mostInAll = 16 * 1024 * 1024
const leastEach = 64 * 1024

export interface Outbox {
  /** Resolves when there is room for the next; false when the socket is gone. */
  send(text: string): Promise<boolean>
  /** Whole frames as they go over the wire. `done` is called once, when nothing reads them any more. */
  sendFrames(frames: Buffer, done: () => void): Promise<boolean>
  /** Whether a message would have to wait. */
  full(): boolean
}

/** `connection` is what the WebSocket was upgraded from. */
export function createOutbox(socket: WebSocket, connection: Duplex): Outbox {
  let queue: Promise<unknown> = Promise.resolve()
  let flushed: (() => void)[] = []
  const release = (): void => {
    const waiting = flushed
    flushed = []
    for (const resolve of waiting) resolve()
  }
  socket.on('close', release)

  const open = (): boolean => socket.readyState === socket.OPEN
  const full = (): boolean => socket.bufferedAmount > (frameBytes() > mostInAll ? leastEach : highWater)

  const inTurn = (write: (flushed: () => void) => void, done = (): void => {}): Promise<boolean> => {
    const sendNow = async (): Promise<boolean> => {
      while (open() && full()) await new Promise<void>((resolve) => flushed.push(resolve))
      if (!open()) {
        done()
        return false
      }
      write(() => {
        done()
        release()
      })
      return true
    }
    const sent = queue.then(sendNow)
    queue = sent
    return sent
  }

  return {
    send: (text) => inTurn((taken) => socket.send(text, taken)),
    // Nothing is compressed here, so the library writes at once and this keeps the order.
    sendFrames: (frames, done) => inTurn((taken) => connection.write(frames, taken), done),
    full,
  }
}
