import type { FileHandle } from 'node:fs/promises'
import { lastBefore } from './checkpoints.ts'
import type { SealedLog } from './log-store.ts'
import type { RecordSource } from './record-source.ts'
import { blockAt, readBlock, type SealedIndex } from './sealed-file.ts'

export interface SealedSource extends RecordSource {
  readonly sealed: true
  readonly sums: SealedLog
  memory(): number
}

/** A sealed log as a source of records; the file is open only while a block is read. */
export function openSealedLog(openFile: () => Promise<FileHandle>, index: SealedIndex): SealedSource {
  return {
    sealed: true,
    sums: index.sums,
    length: index.sums.length,
    stdout: index.sums.stdout_bytes,
    stderr: index.sums.stderr_bytes,
    near: (stream, offset) => lastBefore(index.blocks, index.checkpoint, stream, offset),
    memory: () => 1024 + index.blocks * 32,
    async records(position) {
      const block = blockAt(index, position)
      const file = await openFile()
      try {
        return (await readBlock(file, index, block)).subarray(position - index.checkpoint(block).position)
      } finally {
        await file.close()
      }
    },
  }
}
