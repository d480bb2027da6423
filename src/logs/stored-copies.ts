/** Logs for backup and restore: read beside the store that owns them, written where no store is open. */
import { constants } from 'node:fs'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { logPath } from './log-files.ts'
import { checkAttemptKey } from './log-store.ts'
import { createPackReader } from './pack-reader.ts'
import { scan } from './scan.ts'
import { readAt, readSealedIndex, writeAll } from './sealed-file.ts'

/**
 * `short`: the whole record file of a finished log that lies in a pack. `records`: it was still being written; what there
 * is are whole records. `sealed`: a finished log's file.
 */
export type CopyKind = 'sealed' | 'records' | 'short'
type FileKind = Exclude<CopyKind, 'short'>

export interface StoredCopy {
  kind: CopyKind
  size: number
  chunks(): AsyncIterable<Buffer>
  close(): Promise<void>
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
const suffixOf = { sealed: 'sealed', records: 'live' } as const
const chunkBytes = 256 * 1024

export interface StoredCopies {
  /** Null: there is none, or none that is whole. The store may write, seal, pack and remove it meanwhile. */
  open(attemptKey: string): Promise<StoredCopy | null>
}

/** Best asked in the order of keys: the pack of a thousand jobs is read once. */
export function readStoredCopies(root: string): StoredCopies {
  const packs = createPackReader(root)
  return {
    async open(attemptKey) {
      checkAttemptKey(attemptKey)
      const packed = await packs.read(attemptKey)
      return packed === null ? openStoredFile(root, attemptKey) : copyInMemory(packed)
    },
  }
}

async function openStoredFile(root: string, attemptKey: string): Promise<StoredCopy | null> {
  // Between the two looks it may have been sealed.
  for (const kind of ['sealed', 'records', 'sealed'] as const) {
    const file = await openFile(logPath(root, attemptKey, suffixOf[kind]))
    if (file === null) continue
    const size = await wholeSize(file, kind).catch(async (error: unknown) => {
      await file.close()
      throw error
    })
    if (size !== null) return copyOf(file, kind, size)
    await file.close()
  }
  return null
}

const copyInMemory = (bytes: Buffer): StoredCopy => ({
  kind: 'short',
  size: bytes.length,
  async *chunks() {
    yield bytes
  },
  async close() {},
})

async function openFile(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Null: it is not whole. */
async function wholeSize(file: FileHandle, kind: FileKind): Promise<number | null> {
  if (kind === 'records') return (await scan(file)).length
  return (await readSealedIndex(file)) === null ? null : (await file.stat()).size
}

const copyOf = (file: FileHandle, kind: FileKind, size: number): StoredCopy => ({
  kind,
  size,
  async *chunks() {
    for (let at = 0; at < size;) {
      const bytes = await readAt(file, at, Math.min(chunkBytes, size - at))
      if (bytes.length === 0) return
      at += bytes.length
      yield bytes
    }
  },
  close: () => file.close(),
})

export async function writeStoredCopy(
  root: string,
  attemptKey: string,
  kind: FileKind,
  chunks: AsyncIterable<Buffer>,
): Promise<void> {
  checkAttemptKey(attemptKey)
  const path = logPath(root, attemptKey, suffixOf[kind])
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    let at = 0
    for await (const chunk of chunks) {
      await writeAll(file, chunk, at)
      at += chunk.length
    }
  } finally {
    await file.close()
  }
}
