/**
 * One named pipe of a slot, from the first attempt in it to the last. While an attempt runs we hold a writing end, so
 * that the pipe has no end before we want it; when its tree is dead that end is closed, and reading to the end of the
 * file proves that nobody else anywhere holds the pipe: the next attempt's output is its own.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { Socket } from 'node:net'

/** Called with bytes that are only good until it returns. A promise: bring no more until then. */
export type TakeBytes = (bytes: Buffer) => Promise<void> | undefined

export interface SlotPipe {
  path: string
  /** Opens the writing end, and reads whenever there is something, if somebody takes it. */
  open(take?: TakeBytes): void
  /** What is there now, for one that nobody reads on the way. */
  waiting(): string
  /** With every writer dead: brings the rest and answers whether the pipe was proven to be ours alone. */
  finish(take: TakeBytes): boolean
  close(): void
}

/** One for all pipes: whoever takes bytes copies them at once. */
const shared = Buffer.allocUnsafeSlow(256 * 1024)

export function createSlotPipe(path: string): SlotPipe {
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  let holding: number | null = null
  let current: TakeBytes | null = null
  let socket: Socket | null = null

  /** False stops the reading until the disk has caught up. */
  const onBytes = (count: number): boolean => {
    const wait = current?.(shared.subarray(0, count))
    if (wait === undefined) return true
    const taker = current
    void wait.then(() => current === taker && taker !== null && socket?.resume())
    return false
  }
  const listen = (): Socket => {
    const made = new Socket({
      fd: reading,
      readable: true,
      writable: false,
      manualStart: true,
      onread: { buffer: shared, callback: onBytes },
    } as never)
    made.on('error', () => {}) // the end of the attempt sees that the pipe is not as it should be
    return made
  }
  const letGo = (): void => {
    if (holding !== null) closeSync(holding)
    holding = null
  }
  /** Bytes read, 0 at the end, null when there is a writer but nothing to read. */
  const readNow = (): number | null => {
    try {
      return readSync(reading, shared)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null
      throw error
    }
  }

  return {
    path,
    open(take) {
      holding = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      if (!take) return
      current = take
      socket ??= listen()
      socket.resume()
    },
    waiting() {
      let text = ''
      for (let count = readNow(); count; count = readNow()) text += shared.toString('latin1', 0, count)
      return text
    },
    finish(take) {
      current = null
      socket?.pause()
      letGo()
      let count = readNow()
      for (; count; count = readNow()) void take(shared.subarray(0, count))
      return count === 0
    },
    close() {
      letGo()
      current = null
      if (socket) socket.destroy()
      else closeSync(reading)
    },
  }
}
