import { lastBefore, start } from './checkpoints.ts'
import type { SealedLog } from './log-store.ts'
import type { RecordSource } from './record-source.ts'
import { blockAt, readBlock, type SealedBytes, type SealedIndex } from './sealed-file.ts'

export interface SealedSource extends RecordSource {
  readonly sealed: true
  readonly sums: SealedLog
  /** It lies in a pack. */
  readonly packed: boolean
  memory(): number
}

/** A sealed log as a source of records; the file is open only while a block is read. */
export function openSealedLog(
  openFile: () => Promise<SealedBytes & { close(): Promise<void> }>,
  index: SealedIndex,
  /** Blocks that were read before need not be read again. */
  kept: (block: number, read: () => Promise<Buffer>) => Promise<Buffer> = (_, read) => read(),
): SealedSource {
  return {
    sealed: true,
    packed: false,
    sums: index.sums,
    length: index.sums.length,
    stdout: index.sums.stdout_bytes,
    stderr: index.sums.stderr_bytes,
    near: (stream, offset) => lastBefore(index.blocks, index.checkpoint, stream, offset),
    memory: () => 1024 + index.blocks * 32,
    async records(position) {
      const block = blockAt(index, position)
      const bytes = await kept(block, async () => {
        const file = await openFile()
        try {
          return await readBlock(file, index, block)
        } finally {
          await file.close()
        }
      })
      return bytes.subarray(position - index.checkpoint(block).position)
    },
  }
}

/** One out of a pack, read as a whole: it is short. */
export function openPackedLog(sums: SealedLog, read: () => Promise<Buffer>): SealedSource {
  return {
    sealed: true,
    packed: true,
    sums,
    length: sums.length,
    stdout: sums.stdout_bytes,
    stderr: sums.stderr_bytes,
    near: () => start,
    memory: () => 1024,
    records: async (position) => (await read()).subarray(position),
  }
}
