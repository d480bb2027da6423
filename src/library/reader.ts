/** A reader of one job's output, from the first byte and at its own pace. */
import { AppError } from '../lib/app-error.ts'
import { decodeMark, decodeRecords, headerBytes, maxPayload, type LogRecord } from '../logs/records.ts'
import { createLineSplitter, type LogLine } from './lines.ts'
import type { JobOutput } from './output.ts'

export interface LogChunk {
  stream: 'stdout' | 'stderr'
  bytes: Buffer
  time: Date
}

export interface ReaderOptions {
  /** Both when missing, in the order in which they came. */
  stream?: 'stdout' | 'stderr'
}

export interface LogReader extends AsyncIterable<LogLine> {
  /** The next line, when there is one; null: that was all. */
  nextLine(options?: { signal?: AbortSignal }): Promise<LogLine | null>
  /** Does not wait for the job. Undefined: none yet; null: that was all. */
  nextLineNow(): Promise<LogLine | undefined | null>
  /** Instead of lines, the bytes exactly as they came. */
  chunks(): AsyncGenerator<LogChunk, void>
  /** Output that `limits.outputBytes` did not keep, as far as this reader has come. */
  readonly discardedBytes: number
}

const batchBytes = 2 * (headerBytes + maxPayload)

export class OutputReader implements LogReader {
  readonly #output: JobOutput
  readonly #only: ReaderOptions['stream']
  #lines = createLineSplitter()
  #offset = 0
  #records: LogRecord[] = []
  #busy = false
  #unit: 'lines' | 'chunks' | undefined
  discardedBytes = 0

  constructor(output: JobOutput, { stream }: ReaderOptions = {}) {
    if (stream !== undefined && stream !== 'stdout' && stream !== 'stderr') {
      throw new AppError('invalid_argument', 'stream: is stdout or stderr; leave it out for both')
    }
    this.#output = output
    this.#only = stream
  }

  nextLine({ signal }: { signal?: AbortSignal } = {}): Promise<LogLine | null> {
    return this.#alone('lines', async () => {
      for (;;) {
        const line = await this.#line()
        if (line !== undefined) return line
        await this.#output.grown(this.#offset, signal)
      }
    })
  }

  nextLineNow(): Promise<LogLine | undefined | null> {
    return this.#alone('lines', () => this.#line())
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LogLine, void> {
    for (let line = await this.nextLine(); line !== null; line = await this.nextLine()) yield line
  }

  async *chunks(): AsyncGenerator<LogChunk, void> {
    for (;;) {
      const record = await this.#alone('chunks', async () => {
        for (;;) {
          const next = await this.#record()
          if (next !== undefined) return next
          await this.#output.grown(this.#offset)
        }
      })
      if (record === null) return
      yield { stream: record.stream, bytes: record.payload, time: new Date(record.time) }
    }
  }

  async #line(): Promise<LogLine | undefined | null> {
    for (;;) {
      const line = this.#lines.take()
      if (line !== undefined) return line
      const record = await this.#record()
      if (record === undefined) return undefined
      if (record === null) return this.#lines.last() ?? null
      this.#lines.add(record)
    }
  }

  /** The next one of our stream. Undefined: not there yet; null: the end. */
  async #record(): Promise<OutputRecord | undefined | null> {
    for (;;) {
      const record = this.#records.shift()
      if (record?.stream === 'mark') this.discardedBytes = decodeMark(record.payload).bytes
      else if (record && (this.#only === undefined || record.stream === this.#only)) return record as OutputRecord
      else if (!record) {
        const { over, length } = this.#output
        if (this.#offset >= length) return over ? null : undefined
        await this.#readBatch(length - this.#offset)
      }
    }
  }

  async #readBatch(there: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(batchBytes, there))
    const read = await this.#output.read(this.#offset, buffer)
    const { records, consumed } = decodeRecords(buffer.subarray(0, read))
    if (consumed === 0) throw new AppError('internal', `the output cannot be read behind byte ${this.#offset}`)
    this.#offset += consumed
    this.#records = records
  }

  /** Two calls at once would each get half of a line's bytes. */
  async #alone<T>(unit: 'lines' | 'chunks', work: () => Promise<T>): Promise<T> {
    if (this.#busy) {
      throw new AppError('failed_precondition', 'this reader still waits; another one can read at the same time')
    }
    if (this.#unit !== undefined && this.#unit !== unit) {
      throw new AppError('failed_precondition', `this reader gives ${this.#unit}; take another one for ${unit}`)
    }
    this.#busy = true
    this.#unit = unit
    try {
      return await work()
    } finally {
      this.#busy = false
    }
  }
}

type OutputRecord = LogRecord & { stream: 'stdout' | 'stderr' }
