/**
 * One stream of an attempt as it stands on its host: what was printed, then a last line with the attempt's word. The line
 * counts only where it says it is, so nothing that a job prints, and no cut link, can pass for a complete log.
 */
export class SpoolReader {
  /** Begins as no output usually ends: what may be its beginning is held back. */
  readonly #mark: Buffer
  readonly #sizeName: 'out' | 'err'
  #held: Buffer = Buffer.alloc(0)
  #given = 0
  #line: string | null = null

  constructor(word: string, sizeName: 'out' | 'err') {
    this.#mark = Buffer.from(`\x01${word} `)
    this.#sizeName = sizeName
  }

  /** Bytes taken so far: where to go on after a cut. */
  get offset(): number {
    return this.#given + this.#held.length
  }
  /** The last line, when all is there. */
  get line(): string | null {
    return this.#line
  }

  /** What of it was printed by the job. */
  take(piece: Buffer): Buffer {
    if (this.#line !== null) return Buffer.alloc(0)
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    let from = 0
    for (;;) {
      const at = bytes.indexOf(this.#mark, from)
      if (at === -1) return this.#keepBack(bytes, this.#partAt(bytes, from))
      const end = bytes.indexOf('\n', at + this.#mark.length)
      if (end === -1 && bytes.length - at < 1024) return this.#keepBack(bytes, at)
      const line = end === -1 ? '' : bytes.toString('latin1', at + 1, end)
      if (fieldsOf(line)[this.#sizeName] === String(this.#given + at)) {
        this.#line = line
        this.#given += at
        this.#held = Buffer.alloc(0)
        return bytes.subarray(0, at)
      }
      from = at + 1
    }
  }

  #keepBack(bytes: Buffer, at: number): Buffer {
    this.#held = Buffer.from(bytes.subarray(at))
    this.#given += at
    return bytes.subarray(0, at)
  }

  /** Where its end may be the mark's beginning. */
  #partAt(bytes: Buffer, from: number): number {
    for (let at = Math.max(from, bytes.length - this.#mark.length + 1); at < bytes.length; at++) {
      if (this.#mark.subarray(0, bytes.length - at).equals(bytes.subarray(at))) return at
    }
    return bytes.length
  }
}

/** Throws away what a login says on its own before a stream begins. */
export function afterGreeting(word: string): (piece: Buffer) => Buffer {
  const mark = Buffer.from(`\x01${word} begins\n`)
  let held: Buffer | null = Buffer.alloc(0)
  return (piece) => {
    if (held === null) return piece
    const bytes = Buffer.concat([held, piece])
    const at = bytes.indexOf(mark)
    held = at === -1 ? bytes.subarray(-mark.length) : null
    return at === -1 ? Buffer.alloc(0) : bytes.subarray(at + mark.length)
  }
}

/** `word out=1 err=2 …` */
export const fieldsOf = (line: string): Record<string, string> =>
  Object.fromEntries(
    line
      .split(' ')
      .slice(1)
      .map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
  )
