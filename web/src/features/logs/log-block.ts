import { harmless, plainText } from './ansi.ts'

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

const streams = ['stdout', 'stderr', 'note'] as const

/**
 * Lines that change no more, packed: one string and a few numbers instead of an object for each line. A million lines of
 * 43 characters are 60 MB this way; as objects they were 190 MB.
 */
export class LogBlock {
  readonly first: number
  readonly length: number
  /** As it came; lines are joined by newlines. */
  readonly text: string
  /** Nothing in it that a reader would not see as it is: it can be searched without looking at each line. */
  readonly plain: boolean
  /** Characters, as the buffer counts them. */
  readonly size: number
  /** Where each line ends in `text`. */
  readonly #ends: Uint32Array
  readonly #cells: Uint16Array
  readonly #times: Float64Array
  /** Null while all lines are of `#stream`. */
  readonly #streams: Uint8Array | null
  readonly #stream: LogLine['stream']
  readonly #carried = new Map<number, string>()

  constructor(lines: readonly LogLine[], size: number) {
    this.first = lines[0]!.number
    this.length = lines.length
    this.size = size
    this.text = lines.map(({ text }) => text).join('\n')
    this.plain =
      harmless(this.text.replaceAll('\n', '')).length === this.text.length - (lines.length - 1) &&
      !this.text.includes('\x1b')
    this.#stream = lines[0]!.stream
    this.#ends = new Uint32Array(lines.length)
    this.#cells = new Uint16Array(lines.length)
    this.#times = new Float64Array(lines.length)
    this.#streams = lines.every(({ stream }) => stream === this.#stream) ? null : new Uint8Array(lines.length)
    let end = -1
    lines.forEach((line, index) => {
      end += line.text.length + 1
      this.#ends[index] = end
      this.#cells[index] = cells(line.text)
      this.#times[index] = line.time
      if (this.#streams) this.#streams[index] = streams.indexOf(line.stream)
      if (line.carried !== '') this.#carried.set(index, line.carried)
    })
  }

  at(index: number): LogLine {
    const start = index === 0 ? 0 : this.#ends[index - 1]! + 1
    return {
      number: this.first + index,
      stream: this.#streams ? streams[this.#streams[index]!]! : this.#stream,
      text: this.text.slice(start, this.#ends[index]),
      carried: this.#carried.get(index) ?? '',
      time: this.#times[index]!,
    }
  }

  /** Columns that a line takes on the screen. */
  cellsAt(index: number): number {
    return this.#cells[index]!
  }

  /** The line in which a character of `text` stands. */
  lineAt(position: number): number {
    let low = 0
    let high = this.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#ends[middle]! < position) low = middle + 1
      else high = middle
    }
    return low
  }
}

// oxlint-disable-next-line no-control-regex -- what is not Latin-1 may be wide
const simple = /^[\x20-\x7e\xa0-\xff]*$/
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\ud83c-\ud83e][\udc00-\udfff]/g

/** Columns of a monospaced line: tabs go to the next multiple of 8, wide letters take two. */
export function cells(text: string): number {
  if (simple.test(text)) return text.length
  const shown = plainText(text)
  let length = shown.length
  for (const [letter] of shown.matchAll(wide)) length += 2 - letter.length
  if (!shown.includes('\t')) return length
  let column = 0
  shown.split('\t').forEach((part, index) => {
    if (index > 0) column = Math.floor(column / 8) * 8 + 8
    column += part.length
  })
  return column + (length - shown.length)
}
