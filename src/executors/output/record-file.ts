/**
 * One attempt's output on this runner's disk: a record file (`logs/records.ts`) that is appended to and read by offset
 * for shipping. Short output of a short attempt stays in memory and never becomes a file. A disk that takes no more ends
 * the recording, never the job; the mark that says so is then kept in memory.
 */
import { closeSync, constants, fdatasync, ftruncateSync, openSync, writev, writevSync } from 'node:fs'
import { promisify } from 'node:util'
import { headerBytes } from '../../logs/records.ts'
import type { RecordSink } from './collect.ts'
import { inlineLimit } from './memory-log.ts'
import type { SyncGroup } from './sync-group.ts'

const writeLater = promisify(writev)
const syncLater = promisify(fdatasync)

/** More than this in memory and it becomes a file, however short the attempt. */
const fileFrom = 16 * 1024
/** More than this not yet written, and the pipes are left full until the disk has caught up. */
const pendingLimit = 2 * 1024 * 1024
/** So little is written at once: handing it to a thread costs ten times as much. */
const writeAtOnce = 32 * 1024
/** Buffers of one write; the kernel takes at most 1024. */
const writeRecords = 256

export interface RecordFileOptions {
  sync: SyncGroup
  /** More of it can be read from the file. */
  onGrown(): void
  onBroken?(error: Error): void
  /** Whole records that the file has from before; it goes on behind them. */
  from?: number
}

export class RecordFile implements RecordSink {
  readonly path: string
  readonly #options: RecordFileOptions
  #fd: number | null = null
  /** Whole records in the file. */
  #written = 0
  /** All of it, until it is too long to travel with the end of the attempt. */
  #kept: Buffer[] | null = []
  #keptBytes = 0
  /** Records that the disk did not take. */
  #tail: Buffer = Buffer.alloc(0)
  #pending: Buffer[] = []
  readonly #marks = new Set<Buffer>()
  #pendingBytes = 0
  #writing: Promise<void> | undefined
  #broken: Error | undefined
  #lostBytes = 0

  constructor(path: string, options: RecordFileOptions) {
    this.path = path
    this.#options = options
    if (options.from !== undefined) this.#goOn(options.from)
  }

  #goOn(length: number): void {
    this.#kept = null
    this.#written = length
    this.#fd = openSync(this.path, constants.O_RDWR | constants.O_NOFOLLOW)
    ftruncateSync(this.#fd, length)
  }

  /** Of what can be read by offset: nothing while it is in memory alone. */
  get length(): number {
    return this.#written + this.#tail.length
  }
  get tail(): Buffer {
    return this.#tail
  }
  get inFile(): boolean {
    return this.#fd !== null || this.#broken !== undefined
  }
  get empty(): boolean {
    return this.#keptBytes === 0 && this.#written === 0
  }
  get broken(): Error | undefined {
    return this.#broken
  }
  get lostBytes(): number {
    return this.#lostBytes
  }

  /** Everything, when it is short. */
  whole(): Buffer | null {
    return this.#kept && Buffer.concat(this.#kept)
  }

  append(records: Buffer[]): Promise<void> | undefined {
    for (const record of records) {
      if (this.#broken) this.#lostBytes += record.length - headerBytes
      else this.#add(record)
    }
    if (!this.inFile && this.#pendingBytes > fileFrom) this.toFile()
    return this.#pendingBytes > pendingLimit ? this.#writing : undefined
  }

  /** A mark reaches the server even when the disk is full. */
  appendMark(record: Buffer): void {
    if (this.#broken) {
      this.#keep(record)
      this.#tail = Buffer.concat([this.#tail, record])
      this.#options.onGrown()
    } else {
      this.#marks.add(record)
      this.#add(record)
    }
  }

  /** From now on in a file, because the attempt lives longer than a moment. */
  toFile(): void {
    if (this.inFile) return
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    try {
      this.#fd = openSync(this.path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    } catch (error) {
      this.#giveUp(error as Error)
      return
    }
    if (this.#pending.length > 0) this.#writing ??= this.#write()
  }

  settled(): Promise<void> | undefined {
    return this.#writing
  }

  async close(): Promise<void> {
    await this.#writing
    this.#options.sync.forget(this.#sync)
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
    this.#broken ??= new Error('closed')
  }

  #keep(record: Buffer): void {
    this.#keptBytes += record.length
    if (this.#keptBytes > inlineLimit) this.#kept = null
    else this.#kept?.push(record)
  }

  #add(record: Buffer): void {
    this.#keep(record)
    this.#pending.push(record)
    this.#pendingBytes += record.length
    if (this.#fd !== null) this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    const fd = this.#fd!
    // Records that arrive in the same turn of the loop go out together.
    await new Promise((resolve) => setImmediate(resolve))
    /** Of the first pending record, already in the file. */
    let begun = 0
    while (this.#pending.length > 0) {
      const batch = this.#pending.slice(0, writeRecords)
      if (begun > 0) batch[0] = batch[0]!.subarray(begun)
      const at = this.#written + begun
      try {
        const bytes =
          this.#pendingBytes <= writeAtOnce ? writevSync(fd, batch, at) : (await writeLater(fd, batch, at)).bytesWritten
        begun = this.#advance(begun + bytes)
      } catch (error) {
        this.#giveUp(error as Error)
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
      this.#marks.delete(record)
    }
    this.#pending.splice(0, whole)
    return bytes
  }

  #giveUp(error: Error): void {
    this.#broken = error
    try {
      // Half a record may stand behind the last whole one; cutting works on a full disk.
      if (this.#fd !== null) ftruncateSync(this.#fd, this.#written)
    } catch {
      // Then the scan of a later process cuts it.
    }
    const marks = this.#pending.filter((record) => this.#marks.has(record))
    for (const record of this.#pending) if (!this.#marks.has(record)) this.#lostBytes += record.length - headerBytes
    this.#pending = []
    this.#pendingBytes = 0
    this.#tail = Buffer.concat([this.#tail, ...marks])
    // What is kept would not be what the file says.
    this.#kept = null
    this.#options.onBroken?.(error)
    this.#options.onGrown()
  }

  readonly #sync = async (): Promise<void> => {
    const fd = this.#fd
    // The next write says what is wrong with the disk.
    if (fd !== null) await syncLater(fd).catch(() => {})
  }
}
