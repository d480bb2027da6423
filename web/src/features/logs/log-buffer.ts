import { carriedColours } from './ansi.ts'
import { LineSplitter } from './line-splitter.ts'

export type Stream = 'stdout' | 'stderr'

export interface LogLine {
  /** From 1, in the order shown. */
  number: number
  /** `note`: no output, but said by Runyard itself at this place. */
  stream: Stream | 'note'
  text: string
  /** Colour sequences still on from earlier lines. */
  carried: string
  /** Milliseconds since 1970 when the line's end arrived. */
  time: number
}

export interface LogBufferLimits {
  lines: number
  /** Characters of all lines; strings cost one or two bytes each. */
  characters: number
}

export const defaultLimits: LogBufferLimits = { lines: 200_000, characters: 32 * 1024 * 1024 }

/** What a line costs beside its characters; keeps a million empty lines from being free. */
const lineOverhead = 64

/**
 * The window of a log that the page holds: the newest lines up to a limit. Older ones are dropped in large steps, so
 * that dropping costs nothing per line, and counted, so that the page can say so.
 */
export class LogBuffer {
  readonly #limits: LogBufferLimits
  #lines: LogLine[] = []
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
  }

  push(stream: Stream, bytes: Uint8Array, time: number): void {
    const { complete, open } = this.#splitters[stream].push(bytes)
    for (const text of complete) this.#add(stream, text, time)
    this.#open[stream] = open
    this.#openTime[stream] = time
    this.#trim()
  }

  /** Said by Runyard, not by the job. A note right after another one takes its place: it is the newer count. */
  note(text: string, time: number): void {
    const last = this.#lines.at(-1)
    if (last?.stream === 'note') {
      this.#size += text.length - last.text.length
      this.#lines[this.#lines.length - 1] = { ...last, text, time }
      return
    }
    this.#lines.push({ number: this.#next++, stream: 'note', text, carried: '', time })
    this.#size += text.length + lineOverhead
    this.#trim()
  }

  /** No more bytes come: lines without a newline are complete too. */
  end(): void {
    if (this.ended) return
    this.ended = true
    for (const stream of ['stdout', 'stderr'] as const) {
      for (const text of this.#splitters[stream].end().complete) this.#add(stream, text, this.#openTime[stream])
      this.#open[stream] = ''
    }
    this.#trim()
  }

  /** Rows to show: complete lines, then what each stream has of an unfinished one. */
  get length(): number {
    return this.#lines.length + (this.#open.stdout === '' ? 0 : 1) + (this.#open.stderr === '' ? 0 : 1)
  }

  get completeLength(): number {
    return this.#lines.length
  }

  get firstNumber(): number {
    return this.#lines[0]?.number ?? this.#next
  }

  at(index: number): LogLine | undefined {
    const complete = this.#lines[index]
    if (complete || index < 0) return complete
    const open = (['stdout', 'stderr'] as const).filter((stream) => this.#open[stream] !== '')
    const position = index - this.#lines.length
    const stream = open[position]
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
    this.#lines.push({ number: this.#next++, stream, text, carried, time })
    this.#carried[stream] = carriedColours(carried, text)
    this.#size += text.length + lineOverhead
  }

  #trim() {
    if (this.#lines.length <= this.#limits.lines && this.#size <= this.#limits.characters) return
    const keepLines = this.#limits.lines * 0.9
    const keepSize = this.#limits.characters * 0.9
    let drop = 0
    while (drop < this.#lines.length && (this.#lines.length - drop > keepLines || this.#size > keepSize)) {
      this.#size -= this.#lines[drop]!.text.length + lineOverhead
      drop++
    }
    this.#lines = this.#lines.slice(drop)
    this.dropped += drop
  }
}
