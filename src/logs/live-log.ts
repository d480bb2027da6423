/**
 * A log that still grows: a record file, and before it in memory what came in the last moments. Its methods are
 * called one at a time (the store holds a lock for each log); reading needs no lock.
 */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../lib/app-error.ts'
import { passedOn } from '../lib/young-buffers.ts'
import { createCheckpoints, shortestStride, type Checkpoint } from './checkpoints.ts'
import { createHeldFile } from './held-file.ts'
import type { Appended } from './log-store.ts'
import { DamagedRecord, eachRecord, headerBytes, lastWhole, maxPayload } from './records.ts'
import type { RecordSource } from './record-source.ts'
import { count, scan, type Scan } from './scan.ts'
import { blockBytes, blocksInUse, readAt, readInto, writeAll } from './sealed-file.ts'

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
  /** Whole records in blocks, to seal them; a block holds while no more than `blocksInUse` came after it. */
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

const longestBlock = Math.max(blockBytes, headerBytes + maxPayload)

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

  const file = createHeldFile(place.create)

  const put = async (bytes: Buffer): Promise<void> => {
    await file.use(bytes.length > mostWaiting, async (handle) => {
      hasFile = true
      await writeAll(handle, bytes, written)
    })
    written += bytes.length
  }

  const hold = (bytes: Buffer[]): void => {
    waiting = bytes
    const held = bytes.reduce((sum, part) => sum + part.length, 0)
    total.bytes += held - waitingBytes
    waitingBytes = held
  }

  const write = async (): Promise<void> => {
    if (waitingBytes === 0) return
    await put(waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting))
    hold([])
  }

  const fromFile = async (position: number, limit: number): Promise<Buffer> => {
    const file = await open(place.path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      const most = Math.max(limit, headerBytes + maxPayload)
      const length = Math.min(most, written - position)
      passedOn(length)
      return wholeIn(await readAt(file, position, length))
    } finally {
      await file.close()
    }
  }

  const records = async (position: number, limit: number): Promise<Buffer> => {
    // One look at both: a write moves bytes from memory to the file between two turns of the loop.
    if (position >= written) return fromMemory(waiting, position - written)
    return fromFile(position, limit)
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
      const { after, places } = checked(given, sums)
      const length = after.length - sums.length
      if (length === 0) return { accepted: sums.length, durable }
      const fresh = given.subarray(0, length)
      if (writeThrough || waitingBytes + length > mostWaiting) {
        await write()
        await put(fresh) // before it is accepted: when the disk is full the sender keeps it
      } else {
        // A copy: a chunk is a window of a whole request, which would stay in memory with it.
        hold([...waiting, Buffer.copyBytesFrom(fresh)])
      }
      for (const place of places) checkpoints.offer(place)
      Object.assign(sums, after)
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
      if (written === 0 && waitingBytes > 0) yield Buffer.concat(waiting)
      if (written === 0) return
      await write()
      const buffers = Array.from({ length: blocksInUse + 1 }, () => Buffer.allocUnsafeSlow(longestBlock))
      const handle = await open(place.path, constants.O_RDONLY | constants.O_NOFOLLOW)
      try {
        for (let position = 0, i = 0; position < written; i++) {
          const found = await readInto(handle, position, buffers[i % buffers.length]!, written - position)
          const block = wholeIn(found)
          if (block.length === 0) throw new AppError('internal', `a log ends at ${position} of ${written} bytes`)
          position += block.length
          yield block
        }
      } finally {
        await handle.close()
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
    drop() {
      hold([])
      file.close()
    },
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

const wholeIn = (bytes: Buffer): Buffer => bytes.subarray(0, lastWhole(bytes))

/** What the log will be with these bytes, and the places in them to remember. */
function checked(bytes: Buffer, before: Scan): { after: Scan; places: Checkpoint[] } {
  const after = { ...before }
  const places: Checkpoint[] = []
  let next = before.length
  try {
    eachRecord(bytes, (record) => {
      if (after.length >= next) {
        places.push({ position: after.length, stdout: after.stdoutBytes, stderr: after.stderrBytes })
        next = after.length + shortestStride
      }
      count(after, record, bytes)
      after.length += headerBytes + record.to - record.from
    })
    return { after, places }
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error
    throw new AppError('invalid_argument', `the log chunk is not a sequence of records: ${error.message}`)
  }
}

function fromMemory(waiting: Buffer[], offset: number): Buffer {
  let skip = offset
  for (const [i, part] of waiting.entries()) {
    if (skip < part.length) {
      const first = part.subarray(skip)
      return i === waiting.length - 1 ? first : Buffer.concat([first, ...waiting.slice(i + 1)])
    }
    skip -= part.length
  }
  return Buffer.alloc(0)
}
