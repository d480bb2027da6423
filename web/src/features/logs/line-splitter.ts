/**
 * Bytes of one stream in, lines of text out. Chunks may end anywhere: inside a character, between \r and \n, in the
 * middle of a line. A lone \r goes back to the start of the line, as on a terminal, so a progress bar is one line.
 */
export interface SplitLines {
  /** Lines that are complete now. */
  complete: string[]
  /** The line that has no end yet; it may still grow or be overwritten. */
  open: string
}

/** A line longer than this is shown in several rows: 100 MB without a newline must not become one string. */
export const maxLineLength = 8192

export class LineSplitter {
  readonly #decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  #open = ''
  #endedInReturn = false

  push(bytes: Uint8Array): SplitLines {
    return this.#take(this.#decoder.decode(bytes, { stream: true }))
  }

  /** The stream is over: what is left is a line, even without a newline. */
  end(): SplitLines {
    const last = this.#take(this.#decoder.decode())
    if (this.#open !== '') last.complete.push(this.#open)
    this.#open = ''
    return { complete: last.complete, open: '' }
  }

  #take(text: string): SplitLines {
    const complete: string[] = []
    let rest = text
    if (this.#endedInReturn && rest !== '') {
      // The \r at the end of the last chunk: before \n it belongs to the line end, before anything else it overwrites.
      if (!rest.startsWith('\n')) this.#open = ''
      this.#endedInReturn = false
    }
    if (rest.endsWith('\r')) {
      this.#endedInReturn = true
      rest = rest.slice(0, -1)
    }
    const parts = rest.split('\n')
    parts.forEach((part, index) => {
      const last = index === parts.length - 1
      let line = part
      if (!last && line.endsWith('\r')) line = line.slice(0, -1)
      const back = line.lastIndexOf('\r')
      line = back >= 0 ? line.slice(back + 1) : this.#open + line
      while (line.length > maxLineLength) {
        const end = safeEnd(line, maxLineLength)
        complete.push(line.slice(0, end))
        line = line.slice(end)
      }
      if (last) this.#open = line
      else {
        complete.push(line)
        this.#open = ''
      }
    })
    return { complete, open: this.#open }
  }
}

/** Never between the two halves of a character outside the basic plane. */
function safeEnd(text: string, length: number): number {
  const code = text.charCodeAt(length - 1)
  return code >= 0xd800 && code <= 0xdbff ? length - 1 : length
}
