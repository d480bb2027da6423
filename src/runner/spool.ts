/**
 * One attempt's output on this runner's disk: a record file (`logs/records.ts`) that is appended to, read back by offset
 * for shipping, and deleted once the server has the sealed log. A disk that takes no more ends the recording, never the
 * job and never the runner; the mark that says so is then kept in memory.
 */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { headerBytes } from '../logs/records.ts'
import { scan, type Scan } from '../logs/scan.ts'
import { createBoundaries, type Boundaries } from './boundaries.ts'
import type { RecordFile } from './log-cursor.ts'
import type { SyncGroup } from './sync-group.ts'

/** More than this not yet written, and the pipes are left full until the disk has caught up. */
const pendingLimit = 2 * 1024 * 1024
/** Buffers of one write; the kernel takes at most 1024. */
const writeRecords = 256

export interface SpoolOptions {
  sync: SyncGroup
  onGrown: () => void
  onBroken?: (error: Error) => void
}

export async function openSpool(path: string, options: SpoolOptions): Promise<Spool> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  try {
    // After a crash the file may end in half a record; the next one begins where the last whole one ended.
    const boundaries = createBoundaries()
    const found = await scan(file, (record, _bytes, at) => boundaries.add(at + headerBytes + record.to - record.from))
    await file.truncate(found.length)
    return new Spool(file, found, boundaries, options)
  } catch (error) {
    await file.close()
    throw error
  }
}

export class Spool implements RecordFile {
  /** Bytes of output that an earlier runner process had put here. */
  readonly recordedBytes: number
  readonly #file: FileHandle
  readonly #options: SpoolOptions
  readonly #boundaries: Boundaries
  /** Whole records in the file. */
  #written: number
  /** Marks that the disk did not take. */
  #tail = Buffer.alloc(0)
  #pending: Buffer[] = []
  readonly #marks = new Set<Buffer>()
  #pendingBytes = 0
  #writing: Promise<void> | undefined
  #broken: Error | undefined
  #lostBytes = 0
  #closed = false

  constructor(file: FileHandle, found: Scan, boundaries: Boundaries, options: SpoolOptions) {
    this.#file = file
    this.#written = found.length
    this.recordedBytes = found.stdoutBytes + found.stderrBytes
    this.#boundaries = boundaries
    this.#options = options
  }

  get length(): number {
    return this.#written + this.#tail.length
  }

  /** Why nothing is recorded any more. */
  get broken(): Error | undefined {
    return this.#broken
  }

  /** Bytes of output that were appended and then given up. */
  get lostBytes(): number {
    return this.#lostBytes
  }

  boundary(from: number, most: number): number {
    return this.length - from <= most ? this.length : this.#boundaries.before(from + most)
  }

  /** Whole records of output. A promise when the disk is behind: wait for it before bringing more. */
  append(records: Buffer[]): Promise<void> | undefined {
    for (const record of records) {
      if (this.#broken) this.#lostBytes += record.length - headerBytes
      else this.#add(record)
    }
    return this.#pendingBytes > pendingLimit ? this.#writing : undefined
  }

  /** A mark reaches the server even when the disk is full. */
  appendMark(record: Buffer): void {
    if (this.#broken) {
      this.#tail = Buffer.concat([this.#tail, record])
      this.#options.onGrown()
    } else {
      this.#marks.add(record)
      this.#add(record)
    }
  }

  #add(record: Buffer): void {
    this.#pending.push(record)
    this.#pendingBytes += record.length
    this.#writing ??= this.#write()
  }

  /** Resolves when everything appended so far is in the file, or given up. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    // Records that arrive in the same turn of the loop go out together.
    await new Promise((resolve) => setImmediate(resolve))
    /** Of the first pending record, already in the file. */
    let begun = 0
    while (this.#pending.length > 0) {
      const batch = this.#pending.slice(0, writeRecords)
      if (begun > 0) batch[0] = batch[0]!.subarray(begun)
      try {
        const { bytesWritten } = await this.#file.writev(batch, this.#written + begun)
        begun = this.#advance(begun + bytesWritten)
      } catch (error) {
        await this.#giveUp(error as Error)
        break
      }
      this.#options.onGrown()
      this.#options.sync.ask(this.#sync)
    }
    this.#writing = undefined
  }

  /** So many bytes behind `#written` are in the file now; returns those of a record that is not whole yet. */
  #advance(bytes: number): number {
    let whole = 0
    for (const record of this.#pending) {
      if (bytes < record.length) break
      bytes -= record.length
      whole++
      this.#written += record.length
      this.#pendingBytes -= record.length
      this.#boundaries.add(this.#written)
      this.#marks.delete(record)
    }
    this.#pending.splice(0, whole)
    return bytes
  }

  async #giveUp(error: Error): Promise<void> {
    // Half a record may stand behind the last whole one; cutting works on a full disk.
    await this.#file.truncate(this.#written).catch(() => {})
    this.#broken = error
    const marks = this.#pending.filter((record) => this.#marks.has(record))
    for (const record of this.#pending) if (!this.#marks.has(record)) this.#lostBytes += record.length - headerBytes
    this.#pending = []
    this.#pendingBytes = 0
    this.#tail = Buffer.concat([this.#tail, ...marks])
    this.#options.onBroken?.(error)
    this.#options.onGrown()
  }

  readonly #sync = async (): Promise<void> => {
    if (!this.#closed) await this.#file.datasync().catch(() => {}) // the next write says what is wrong with the disk
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    if (offset >= this.#written) {
      const part = this.#tail.subarray(offset - this.#written, offset - this.#written + into.length)
      into.set(part)
      return part.length
    }
    const most = Math.min(into.length, this.#written - offset)
    return (await this.#file.read(into, 0, most, offset)).bytesRead
  }

  async close(): Promise<void> {
    await this.settled()
    this.#closed = true
    this.#options.sync.forget(this.#sync)
    await this.#file.close()
  }
}
