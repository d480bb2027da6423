import { plainText } from './ansi.ts'
import type { LogBlock } from './log-block.ts'
import { blockOf, type LogBuffer } from './log-buffer.ts'

/** More matches than this help nobody; the count then reads "10,000+". */
export const mostMatches = 10_000

/**
 * Finds lines that contain a text, any case. `advance` looks only at lines it has not seen and stops when its time is
 * over, so that a search in a million lines (0.3 s in all) never holds the page.
 */
export class LogSearch {
  readonly needle: string
  /** Numbers of matching lines, rising. */
  #matches: number[] = []
  #next = 1

  readonly #buffer: LogBuffer

  constructor(needle: string, buffer: LogBuffer) {
    this.#buffer = buffer
    this.needle = needle.toLowerCase()
  }

  /** True when every line has been looked at. */
  advance(milliseconds = 8): boolean {
    const { blocks, firstNumber: first } = this.#buffer
    const end = performance.now() + milliseconds
    if (this.#next < first) this.#next = first
    // At least one block each time: each call gets on, however short its time.
    let place = blocks.length > 0 ? blockOf(blocks, this.#next) : 0
    for (; place < blocks.length; place++) {
      const block = blocks[place]!
      if (this.#next >= block.first + block.length) continue
      this.#searchBlock(block)
      this.#next = block.first + block.length
      if (performance.now() > end) return false
    }
    // The unfinished last lines are looked at when they are complete.
    for (; this.#next < first + this.#buffer.completeLength; this.#next++) {
      this.#look(this.#next, this.#buffer.at(this.#next - first)!.text)
    }
    return true
  }

  /** Matching lines that are still in the window. */
  matches(): number[] {
    const first = this.#buffer.firstNumber
    if ((this.#matches[0] ?? first) < first) this.#matches = this.#matches.filter((number) => number >= first)
    return this.#matches
  }

  #searchBlock(block: LogBlock) {
    const seen = this.#next - block.first
    const text = block.text.toLowerCase()
    // A few letters change their length in lower case; places would then be wrong.
    if (!block.plain || text.length !== block.text.length) {
      for (let index = Math.max(0, seen); index < block.length; index++)
        this.#look(block.first + index, block.at(index).text)
      return
    }
    let line = -1
    for (let at = text.indexOf(this.needle); at >= 0; at = text.indexOf(this.needle, at + 1)) {
      const found = block.lineAt(at)
      if (found !== line && found >= seen) this.#note(block.first + found)
      line = found
      if (this.#matches.length >= mostMatches) return
    }
  }

  #look(number: number, text: string) {
    if (contains(text, this.needle)) this.#note(number)
  }

  #note(number: number) {
    if (this.#matches.length < mostMatches) this.#matches.push(number)
  }
}

const contains = (text: string, needle: string) => plainText(text).toLowerCase().includes(needle)

/** Where the needle stands in a text, as [start, end) pairs. */
export function occurrences(text: string, needle: string): [number, number][] {
  const found: [number, number][] = []
  if (needle === '') return found
  const lower = text.toLowerCase()
  // A few letters change their length in lower case; positions would then be wrong, so such lines are not marked.
  if (lower.length !== text.length) return found
  for (let at = lower.indexOf(needle); at >= 0 && found.length < 500; at = lower.indexOf(needle, at + needle.length)) {
    found.push([at, at + needle.length])
  }
  return found
}
