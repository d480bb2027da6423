/**
 * A log that still grows: a record file, and before it in memory what came in the last moments. Its methods are
 * called one at a time (the store holds a lock for each log); reading needs no lock.
 */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../lib/app-error.ts'
import { createCheckpoints } from './checkpoints.ts'
import type { Appended } from './log-store.ts'
import { DamagedRecord, eachRecord, headerBytes, maxPayload, type RecordPlace } from './records.ts'
import type { RecordSource } from './record-source.ts'
import { count, scan, type Scan } from './scan.ts'
import { blockBytes, readAt, writeAll } from './sealed-file.ts'

export interface LiveLog extends RecordSource {
  readonly sums: Scan
  readonly durable: number
  readonly dirty: boolean
  /** There is a file to remove once the log is sealed. */
  readonly hasFile: boolean
  append(offset: number, bytes: Uint8Array, writeThrough: boolean): Promise<Appended>
  /** Memory to file. */
  write(): Promise<void>
  /** File to disk; may run beside the other methods. */
  sync(): Promise<void>
  /** Whole records in blocks, to seal them. */
  blocks(): AsyncGenerator<Buffer>
  /** Leaves `length` bytes in the file, or those that are known to be durable. Open the log anew after this. */
  cut(length?: number): Promise<void>
  /** Gives its memory back; the log is not used after this. */
  drop(): void
  memory(): number
}

/** Shared by the logs of a store: bytes that lie in memory and in no file yet. */
export interface Waiting {
  bytes: number
}

/** A page that was read stays this long for the next follower who wants the same. */
const sharedForMs = 250

/** More than this goes to the file at once. */
const mostWaiting = 64 * 1024

export interface LiveFile {
  path: string
  /** Opens for writing; makes the file and its directory when they are missing. */
  create(): Promise<FileHandle>
  /** Makes the name of a new file durable. */
  syncName(): Promise<void>
}

export async function openLiveLog(place: LiveFile, total: Waiting): Promise<LiveLog> {
  const checkpoints = createCheckpoints()
  const sums: Scan = { length: 0, stdoutBytes: 0, stderrBytes: 0, truncatedBytes: 0 }
  const found = await recover(place.path, (before) =>
    checkpoints.offer({ position: before.length, stdout: before.stdoutBytes, stderr: before.stderrBytes }),
  )
  if (found) Object.assign(sums, found)
  let written = sums.length
  // What was found after a start may still be in the page cache only.
  let durable = 0
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let hasFile = found !== null
  let nameDurable = false
  /** Followers that are woken together stand at the same place: one of them reads for all. */
  let shared: { position: number; limit: number; written: number; bytes: Promise<Buffer> } | undefined

  const put = async (bytes: Buffer[]): Promise<void> => {
    const file = await place.create()
    hasFile = true
    try {
      await writeAll(file, bytes.length === 1 ? bytes[0]! : Buffer.concat(bytes), written)
    } finally {
      await file.close()
    }
    written += bytes.reduce((sum, part) => sum + part.length, 0)
  }

  const hold = (bytes: Buffer[]): void => {
    waiting = bytes
    const held = bytes.reduce((sum, part) => sum + part.length, 0)
    total.bytes += held - waitingBytes
    waitingBytes = held
  }

  const write = async (): Promise<void> => {
    if (waitingBytes === 0) return
    await put(waiting)
    hold([])
  }

  const fromFile = async (position: number, limit: number): Promise<Buffer> => {
    const file = await open(place.path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      const most = Math.max(limit, headerBytes + maxPayload)
      const bytes = await readAt(file, position, Math.min(most, written - position))
      return bytes.subarray(
        0,
        eachRecord(bytes, () => {}, { verify: false }),
      )
    } finally {
      await file.close()
    }
  }

  const records = async (position: number, limit: number): Promise<Buffer> => {
    // One look at both: a write moves bytes from memory to the file between two turns of the loop.
    if (position >= written) return fromMemory(waiting, position - written)
    if (shared?.position === position && shared.limit === limit && shared.written === written) return shared.bytes
    const page = { position, limit, written, bytes: fromFile(position, limit) }
    shared = page
    const letGo = (): void => {
      if (shared === page) shared = undefined
    }
    page.bytes.then(() => setTimeout(letGo, sharedForMs).unref(), letGo)
    return page.bytes
  }

  return {
    sealed: false,
    sums,
    get length() {
      return sums.length
    },
    get stdout() {
      return sums.stdoutBytes
    },
    get stderr() {
      return sums.stderrBytes
    },
    get durable() {
      return durable
    },
    get dirty() {
      return durable < sums.length
    },
    get hasFile() {
      return hasFile
    },
    near: checkpoints.near,
    memory: () => 1024 + checkpoints.bytes() + waitingBytes,

    async append(offset, bytes, writeThrough) {
      const skip = sums.length - offset
      if (skip < 0 || skip >= bytes.length) return { accepted: sums.length, durable }
      const given = Buffer.from(bytes.buffer, bytes.byteOffset + skip, bytes.length - skip)
      const { length, places } = wholeRecords(given)
      if (length === 0) return { accepted: sums.length, durable }
      const fresh = given.subarray(0, length)
      if (writeThrough || waitingBytes + length > mostWaiting) {
        await put([...waiting, fresh]) // before it is accepted: when the disk is full the sender keeps it
        hold([])
      } else {
        // A copy: a chunk is a window of a whole request, which would stay in memory with it.
        hold([...waiting, Buffer.copyBytesFrom(fresh)])
      }
      for (const record of places) {
        checkpoints.offer({ position: sums.length, stdout: sums.stdoutBytes, stderr: sums.stderrBytes })
        count(sums, record, fresh)
        sums.length += headerBytes + record.to - record.from
      }
      return { accepted: sums.length, durable }
    },

    write,

    async sync() {
      const target = written
      if (target > durable) {
        const file = await open(place.path, constants.O_RDWR | constants.O_NOFOLLOW)
        try {
          await file.datasync()
        } finally {
          await file.close()
        }
      }
      if (!nameDurable) await place.syncName()
      nameDurable = true
      durable = Math.max(durable, target)
    },

    records,

    async *blocks() {
      let position = 0
      while (position < sums.length) {
        const block = await records(position, blockBytes)
        if (block.length === 0) throw new AppError('internal', `a log ends at ${position} of ${sums.length} bytes`)
        position += block.length
        yield block
      }
    },

    async cut(length) {
      if (length !== undefined) await write()
      const file = await place.create()
      try {
        await file.truncate(length ?? durable)
      } finally {
        await file.close()
      }
    },
    drop: () => hold([]),
  }
}

/** What the file really has; the rest, torn by a crash, is cut off. Null: no file. */
async function recover(path: string, before: (sums: Scan) => void): Promise<Scan | null> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const running: Scan = { length: 0, stdoutBytes: 0, stderrBytes: 0, truncatedBytes: 0 }
    const found = await scan(file, (record, bytes) => {
      before(running)
      count(running, record, bytes)
      running.length += headerBytes + record.to - record.from
    })
    if ((await file.stat()).size > found.length) await file.truncate(found.length)
    return found
  } finally {
    await file.close()
  }
}

function wholeRecords(bytes: Buffer): { length: number; places: RecordPlace[] } {
  const places: RecordPlace[] = []
  try {
    const length = eachRecord(bytes, (record) => void places.push(record))
    return { length, places }
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error
    throw new AppError('invalid_argument', `the log chunk is not a sequence of records: ${error.message}`)
  }
}

function fromMemory(waiting: Buffer[], offset: number): Buffer {
  let skip = offset
  for (const part of waiting) {
    if (skip < part.length) return part.subarray(skip)
    skip -= part.length
  }
  return Buffer.alloc(0)
}
