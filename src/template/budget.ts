/** What ends a template that would not end, or that makes much of little. */
import { Problem } from './error.ts'

/** Templates that call each other, one inside the other. Go's own limit is 100,000, which ends with its stack. */
const mostCalls = 100
/** Lists, commands and parentheses, over all calls: our stack ends at about 10,000. */
const mostLevels = 1000

export class Budget {
  readonly #maxSteps: number
  readonly #maxBytes: number
  #steps = 0
  #bytes = 0
  #calls = 0
  #levels = 0

  constructor(maxSteps: number, maxBytes: number) {
    this.#maxSteps = maxSteps
    this.#maxBytes = maxBytes
  }

  step(count = 1): void {
    this.#steps += count
    if (this.#steps > this.#maxSteps) throw new Problem(`takes more than ${this.#maxSteps} steps`)
  }

  /** A text that was made on the way, which may be made again and again: its length is work too. */
  made(text: string): void {
    if (text.length > this.#maxBytes) throw this.#tooLong()
    this.step(Math.ceil(text.length / 256))
  }

  write(text: string): void {
    this.#bytes += Buffer.byteLength(text)
    if (this.#bytes > this.#maxBytes) throw this.#tooLong()
  }

  /** How long a text may become while it is made. */
  get longest(): number {
    return this.#maxBytes
  }

  enter(): void {
    if (++this.#calls > mostCalls) throw new Problem(`templates call each other more than ${mostCalls} levels deep`)
  }

  leave(): void {
    this.#calls--
  }

  deeper<T>(work: () => T): T {
    if (++this.#levels > mostLevels) throw new Problem(`is nested deeper than ${mostLevels} levels`)
    const result = work()
    this.#levels--
    return result
  }

  #tooLong(): Problem {
    return new Problem(`gives more than ${this.#maxBytes} bytes`)
  }
}
