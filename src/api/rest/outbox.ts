/**
 * What is sent over one WebSocket, in order and bounded: a sender waits while the peer has not taken what was sent
 * before. So a stalled follower costs its socket buffer and nothing else grows.
 */
import type { WebSocket } from 'ws'

/** With one more message of at most 90 KiB this stays below the promised 1 MiB. */
const highWater = 768 * 1024

export interface Outbox {
  /** Resolves when there is room for the next; false when the socket is gone. */
  send(text: string): Promise<boolean>
  /** Whether a message would have to wait. */
  full(): boolean
}

export function createOutbox(socket: WebSocket): Outbox {
  let queue: Promise<unknown> = Promise.resolve()
  let flushed: (() => void)[] = []
  const release = (): void => {
    const waiting = flushed
    flushed = []
    for (const resolve of waiting) resolve()
  }
  socket.on('close', release)

  const open = (): boolean => socket.readyState === socket.OPEN
  const sendNow = async (text: string): Promise<boolean> => {
    while (open() && socket.bufferedAmount > highWater) {
      await new Promise<void>((resolve) => flushed.push(resolve))
    }
    if (!open()) return false
    socket.send(text, release)
    return true
  }

  return {
    send(text) {
      const sent = queue.then(() => sendNow(text))
      queue = sent
      return sent
    },
    full: () => socket.bufferedAmount > highWater,
  }
}
