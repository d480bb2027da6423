/** The runner's view of a log that the launcher records: read from the same file, told of its growth. */
import { open, type FileHandle } from 'node:fs/promises'
import type { AttemptLog } from './executor.ts'
import type { EndEvent, LogState } from './launcher/protocol.ts'

export interface LogView extends AttemptLog {
  grown(state: LogState): void
  ended(event: EndEvent): void
  close(): Promise<void>
}

export function createLogView(recordFile: string, first: LogState): LogView {
  const listeners: (() => void)[] = []
  let state = first
  let tail: Buffer = Buffer.from(first.tail ?? '', 'base64')
  let whole: Buffer | null = null
  let file: Promise<FileHandle> | null = null

  const change = (next: LogState): void => {
    const before = state.length
    state = next
    tail = Buffer.from(next.tail ?? '', 'base64')
    if (next.length > before) for (const listener of listeners) listener()
  }
  return {
    length: () => state.length,
    async read(offset, into) {
      if (whole) return whole.copy(into, 0, offset)
      const inFile = state.length - tail.length
      if (offset >= inFile) return tail.copy(into, 0, offset - inFile)
      // One that failed is tried anew: perhaps this process only had too many files open.
      file ??= open(recordFile, 'r').catch((error: unknown) => {
        file = null
        throw error
      })
      const { bytesRead } = await (await file).read(into, 0, Math.min(into.length, inFile - offset), offset)
      return bytesRead
    },
    whole: () => whole,
    onGrown: (listener) => void listeners.push(listener),
    broken: () => state.broken ?? null,
    grown: change,
    ended({ log, whole: bytes }) {
      if (bytes !== undefined) whole = Buffer.from(bytes, 'base64')
      change(log)
    },
    async close() {
      const opened = file
      file = null
      await opened?.then((handle) => handle.close()).catch(() => {})
    },
  }
}
