/**
 * Writes a job's bytes to stdout and stderr. Not `process.stdout`: on a pipe that blocks the event loop until the reader
 * takes them, and a Ctrl-C would not be heard; here a thread waits.
 */
import { write } from 'node:fs'
import { promisify } from 'node:util'

const writeSome = promisify(write)

/** The reader went away (`runyard run … | head`). */
export class ReaderGone extends Error {}

export async function writeAll(fd: 1 | 2, bytes: Uint8Array): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    try {
      done += (await writeSome(fd, bytes, done, bytes.length - done, null)).bytesWritten
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EPIPE') throw new ReaderGone()
      // A pipe that somebody else made non-blocking is full.
      if (code !== 'EAGAIN') throw error
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

/** One JSON object a line. */
export const writeLine = (fd: 1 | 2, value: unknown): Promise<void> =>
  writeAll(fd, Buffer.from(`${JSON.stringify(value)}\n`))
