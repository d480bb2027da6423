/** A log in memory alone: of a fake attempt, and of one whose end came with all it had printed. */
import type { AttemptLog } from '../executor.ts'
import type { RecordSink } from './collect.ts'

export interface MemoryLog extends AttemptLog, RecordSink {
  /** From now on `whole` has it all. */
  end(): void
}

export function createMemoryLog(): MemoryLog {
  let bytes: Buffer = Buffer.alloc(0)
  let over = false
  const listeners: (() => void)[] = []
  const add = (records: Buffer[]): undefined => {
    bytes = Buffer.concat([bytes, ...records])
    for (const listener of listeners) listener()
  }
  return {
    lostBytes: 0,
    append: add,
    appendMark: (record) => add([record]),
    settled: () => undefined,
    end: () => void (over = true),
    length: () => bytes.length,
    async read(offset, into) {
      return bytes.copy(into, 0, offset)
    },
    whole: () => (over && bytes.length <= inlineLimit ? bytes : null),
    onGrown: (listener) => void listeners.push(listener),
    broken: () => null,
  }
}

/** A log that is no longer than this comes with the end of its attempt. */
export const inlineLimit = 64 * 1024
