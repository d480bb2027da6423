/** Reads one named pipe of a job until every process that could write into it is gone. */
import { constants, openSync } from 'node:fs'
import { Socket } from 'node:net'

export interface PipeReader {
  /** Resolves at the end of the pipe or after `close`; never rejects. */
  ended: Promise<void>
  close(): void
}

/** `take` returns a promise when the bytes cannot be put away at once; until then the pipe is left full, and the job
 * waits in its write as for any slow disk. */
export function readPipe(path: string, take: (bytes: Buffer) => Promise<void> | undefined): PipeReader {
  // O_NONBLOCK: without it the open itself waits for a writer, and a blocking read would hold a pool thread per job.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const socket = new Socket({ fd, readable: true, writable: false })
  const ended = new Promise<void>((resolve) => socket.once('close', resolve))
  socket.on('error', () => {}) // `close` follows
  socket.on('data', (bytes) => {
    const wait = take(bytes as unknown as Buffer)
    if (wait === undefined) return
    socket.pause()
    void wait.then(() => socket.resume())
  })
  return { ended, close: () => socket.destroy() }
}
