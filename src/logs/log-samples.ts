/** What tests of logs share. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { LogPiece, LogStore, LogStream } from './log-store.ts'
import { encodeOutput } from './records.ts'

export type Written = { stream: 'stdout' | 'stderr'; bytes: Buffer }

export const streams: LogStream[] = ['stdout', 'stderr', 'all']
export const outputOf = (written: Written[], stream: LogStream): Buffer =>
  Buffer.concat(written.filter((w) => stream === 'all' || w.stream === stream).map((w) => w.bytes))
export const recordsOf = (written: Written[]): Buffer =>
  Buffer.concat(written.flatMap(({ stream, bytes }, i) => encodeOutput(stream, 1_700_000_000_000 + i, bytes)))

export function usedMemory(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

export async function readAll(store: LogStore, key: string, stream: LogStream, limit = 100_000): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let offset = 0; ;) {
    const { bytes } = await store.read(key, { stream, offset, limit })
    if (bytes.length === 0) return Buffer.concat(parts)
    parts.push(bytes)
    offset += bytes.length
  }
}

export async function collect(pieces: AsyncIterable<LogPiece>): Promise<LogPiece[]> {
  const all: LogPiece[] = []
  for await (const piece of pieces) all.push(piece)
  return all
}

/** Both streams, bytes that are no text, and more than one record can hold. */
export const sample: Written[] = [
  { stream: 'stdout', bytes: Buffer.from('hello\n') },
  { stream: 'stderr', bytes: Buffer.from([0, 255, 0xc3, 13, 10]) },
  { stream: 'stdout', bytes: Buffer.from('é'.repeat(50_000)) },
  { stream: 'stderr', bytes: Buffer.from('end') },
]
