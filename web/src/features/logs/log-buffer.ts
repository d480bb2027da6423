import { carriedColours } from './ansi.ts'
import { LineSplitter } from './line-splitter.ts'
import { cells, LogBlock, type LogLine, type Stream } from './log-block.ts'

export type { LogLine, Stream } from './log-block.ts'

export interface LogBufferLimits {
  lines: number
  /** Characters of all lines; strings cost one or two bytes each. */
  characters: number
}

export const defaultLimits: LogBufferLimits = { lines: 2_000_000, characters: 128 * 1024 * 1024 }

/** What a line costs beside its characters; keeps a million empty lines from being free. */
const lineOverhead = 16

/**
 * The window of a log that the page holds: the newest lines up to a limit. Lines are packed in blocks; the oldest block
 * goes as a whole, and what went is counted, so that the page can say so.
 */
export class LogBuffer {
  readonly #limits: LogBufferLimits
  readonly #blockLimits: LogBufferLimits
  #blocks: LogBlock[] = []
  /** Of the block in the making. */
  #lines: LogLine[] = []
  #linesSize = 0
  #size = 0
  #splitters: Record<Stream, LineSplitter> = { stdout: new LineSplitter(), stderr: new LineSplitter() }
  #carried: Record<Stream, string> = { stdout: '', stderr: '' }
  #open: Record<Stream, string> = { stdout: '', stderr: '' }
  #openTime: Record<Stream, number> = { stdout: 0, stderr: 0 }
  #next = 1
  /** Lines that were here and had to go. */
  dropped = 0
  ended = false

  constructor(limits: LogBufferLimits = defaultLimits) {
    this.#limits = limits
    this.#blockLimits = {
      lines: Math.max(1, Math.min(1024, Math.floor(limits.lines / 16))),
      characters: Math.min(1024 * 1024, limits.characters / 16),
    }
  }

  push(stream: Stream, bytes: Uint8Array, time: number): void {
    const { complete, open } = this.#splitters[stream].push(bytes)
    for (const text of complete) this.#add(stream, text, time)
    this.#open[stream] = open
    this.#openTime[stream] = time
  }

  /** Said by Runyard, not by the job. A note right after another one takes its place: it is the newer count. */
  note(text: string, time: number): void {
    const last = this.#lines.at(-1)
    if (last?.stream === 'note') {
      this.#linesSize += text.length - last.text.length
      this.#lines[this.#lines.length - 1] = { ...last, text, time }
    } else this.#append({ number: this.#next++, stream: 'note', text, carried: '', time })
  }

  /** No more bytes come: lines without a newline are complete too. */
  end(): void {
    if (this.ended) return
    this.ended = true
    for (const stream of ['stdout', 'stderr'] as const) {
      for (const text of this.#splitters[stream].end().complete) this.#add(stream, text, this.#openTime[stream])
      this.#open[stream] = ''
    }
  }

  /** Blocks that change no more, oldest first; the lines after them are reached by `at`. */
  get blocks(): readonly LogBlock[] {
    return this.#blocks
  }

  /** Rows to show: complete lines, then what each stream has of an unfinished one. */
  get length(): number {
    return this.completeLength + (this.#open.stdout === '' ? 0 : 1) + (this.#open.stderr === '' ? 0 : 1)
  }

  get completeLength(): number {
    return this.#next - this.firstNumber
  }

  get firstNumber(): number {
    return this.#blocks[0]?.first ?? this.#lines[0]?.number ?? this.#next
  }

  at(index: number): LogLine | undefined {
    if (index < 0) return undefined
    const number = this.firstNumber + index
    const loose = number - this.#looseFirst()
    if (loose < 0) {
      const block = this.#blocks[blockOf(this.#blocks, number)]!
      return block.at(number - block.first)
    }
    return this.#lines[loose] ?? this.#openLine(loose - this.#lines.length)
  }

  /** Columns that the line takes. */
  cellsAt(index: number): number {
    const number = this.firstNumber + index
    if (number >= this.#looseFirst()) return cells(this.at(index)?.text ?? '')
    const block = this.#blocks[blockOf(this.#blocks, number)]!
    return block.cellsAt(number - block.first)
  }

  #looseFirst(): number {
    return this.#next - this.#lines.length
  }

  #openLine(position: number): LogLine | undefined {
    const stream = (['stdout', 'stderr'] as const).filter((one) => this.#open[one] !== '')[position]
    if (!stream) return undefined
    return {
      number: this.#next + position,
      stream,
      text: this.#open[stream],
      carried: this.#carried[stream],
      time: this.#openTime[stream],
    }
  }

  #add(stream: Stream, text: string, time: number) {
    const carried = this.#carried[stream]
    this.#append({ number: this.#next++, stream, text, carried, time })
    this.#carried[stream] = carriedColours(carried, text)
  }

  #append(line: LogLine) {
    this.#lines.push(line)
    this.#linesSize += line.text.length + lineOverhead
    if (this.#lines.length < this.#blockLimits.lines && this.#linesSize < this.#blockLimits.characters) return
    this.#blocks.push(new LogBlock(this.#lines, this.#linesSize))
    this.#size += this.#linesSize
    this.#lines = []
    this.#linesSize = 0
    this.#trim()
  }

  #trim() {
    const most = this.#limits.lines - this.#blockLimits.lines
    while (this.#size > this.#limits.characters - this.#blockLimits.characters || this.completeLength > most) {
      const oldest = this.#blocks.shift()!
      this.#size -= oldest.size
      this.dropped += oldest.length
    }
  }
}

/** The place of the block that has a line. */
export function blockOf(blocks: readonly LogBlock[], number: number): number {
  let low = 0
  let high = blocks.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (blocks[middle]!.first <= number) low = middle
    else high = middle - 1
  }
  return low
}
