/** The wrapper's own lines on stderr, taken out of what the command wrote there. */
export interface Marks {
  /** What the command wrote; empty while it may be ours. */
  take(bytes: Buffer): Buffer
  /** Nothing more comes: what was held back was the command's. */
  rest(): Buffer
  readonly seen: MarksSeen
}

export interface MarksSeen {
  /** Its first line came: the command was executed. */
  ran: boolean
  /** It could not be. */
  refused?: string
  end?: { code: number; oomKills: number | null; peakBytes: number | null; cpuNs: number | null }
}

const longestLine = 8192
const none = Buffer.alloc(0)

export function createMarks(mark: string): Marks {
  const begins = Buffer.from(`${mark} `)
  const seen: MarksSeen = { ran: false }
  let held: Buffer = none

  const hear = (line: string): void => {
    const [word, ...rest] = line.split(' ')
    if (word === 'run') seen.ran = true
    if (word === 'no') seen.refused = rest.join(' ')
    if (word === 'end') seen.end = endOf(rest)
  }
  return {
    seen,
    take(piece) {
      let bytes = held.length === 0 ? piece : Buffer.concat([held, piece])
      held = none
      const passed: Buffer[] = []
      while (bytes.length > 0) {
        const at = bytes.indexOf(begins)
        if (at === -1) {
          const keep = endsLike(bytes, begins)
          held = Buffer.from(bytes.subarray(bytes.length - keep))
          passed.push(bytes.subarray(0, bytes.length - keep))
          break
        }
        passed.push(bytes.subarray(0, at))
        const newline = bytes.indexOf(10, at)
        if (newline === -1 && bytes.length - at < longestLine) {
          held = Buffer.from(bytes.subarray(at))
          break
        }
        const end = newline === -1 ? bytes.length : newline
        hear(bytes.toString('utf8', at + begins.length, end))
        bytes = bytes.subarray(end + 1)
      }
      return passed.length === 1 ? passed[0]! : Buffer.concat(passed)
    },
    rest() {
      const bytes = held
      held = none
      return bytes
    },
  }
}

function endOf([code = '', oom = '', peak = '', cpu = '']: string[]): NonNullable<MarksSeen['end']> {
  const number = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null)
  const cpuNs = /^\d{1,20}$/.test(cpu) ? Number(cpu) : null
  return { code: number(code) ?? 125, oomKills: number(oom), peakBytes: number(peak), cpuNs }
}

/** How many bytes at the end may be the beginning of `words`. */
function endsLike(bytes: Buffer, words: Buffer): number {
  for (let length = Math.min(words.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(words.subarray(0, length))) return length
  }
  return 0
}
