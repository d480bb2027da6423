import { plainText } from './ansi.ts'
import type { LogBuffer } from './log-buffer.ts'

/** More matches than this help nobody; the count then reads "10,000+". */
export const mostMatches = 10_000

/**
 * Finds lines that contain a text, any case. `advance` looks only at lines it has not seen and stops when its time is
 * over, so that a search in 200,000 lines never holds the page.
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
    const buffer = this.#buffer
    const end = performance.now() + milliseconds
    const first = buffer.firstNumber
    if (this.#next < first) this.#next = first
    // The unfinished last lines are looked at when they are complete.
    const complete = buffer.completeLength
    for (let index = this.#next - first; index < complete; index++) {
      const line = buffer.at(index)!
      if (this.#matches.length < mostMatches && contains(line.text, this.needle)) this.#matches.push(line.number)
      this.#next = line.number + 1
      // After the line, never before it: each call gets on, however short its time.
      if ((index & 255) === 255 && performance.now() > end) return false
    }
    return true
  }

  /** Matching lines that are still in the window. */
  matches(): number[] {
    const first = this.#buffer.firstNumber
    if ((this.#matches[0] ?? first) < first) this.#matches = this.#matches.filter((number) => number >= first)
    return this.#matches
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
