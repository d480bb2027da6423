/**
 * What comes through a report pipe (`executors/sandbox/pickup.ts`): a letter, u32 length (little endian), bytes. The
 * writer is a process of the job's own user, so nothing in it is believed that cannot do without.
 *
 *   F path   a file begins      D bytes  of it       E  it is complete    X why  it is not
 *   M path   nothing was found there      C  more than may be      Z  all has been said
 *   S what   from here on it is about that: `output`, `junit` or `artifacts`, each of which ends with Z
 */
export type ReportFrame =
  | { kind: 'file' | 'missing' | 'broken' | 'section'; text: string }
  | { kind: 'data'; bytes: Buffer }
  | { kind: 'end' | 'cut' | 'over' }

const longestText = 8192
const longestData = 1024 * 1024

export class FrameError extends Error {}

/** Bytes in pieces → whole frames. Throws a FrameError at what nobody of ours wrote. */
export function createReportFrames(): (piece: Buffer) => ReportFrame[] {
  const placed = createPlacedFrames()
  return (piece) => placed(piece).map(({ frame }) => frame)
}

export interface PlacedFrame {
  frame: ReportFrame
  /** Offset of the frame after it. */
  end: number
}

/** The same, with where each of them ends. */
export function createPlacedFrames(): (piece: Buffer) => PlacedFrame[] {
  let held: Buffer = Buffer.alloc(0)
  let before = 0
  return (piece) => {
    const bytes = held.length === 0 ? piece : Buffer.concat([held, piece])
    const frames: PlacedFrame[] = []
    let at = 0
    while (at + 5 <= bytes.length) {
      const length = bytes.readUInt32LE(at + 1)
      if (length > longestData) throw new FrameError('the report pipe holds what is no report')
      if (at + 5 + length > bytes.length) break
      const frame = frameOf(String.fromCharCode(bytes[at]!), bytes.subarray(at + 5, at + 5 + length))
      at += 5 + length
      frames.push({ frame, end: before + at })
    }
    before += at
    held = bytes.subarray(at)
    return frames
  }
}

function frameOf(letter: string, payload: Buffer): ReportFrame {
  const text = (): string => payload.toString('utf8', 0, longestText)
  switch (letter) {
    case 'F':
      return { kind: 'file', text: text() }
    case 'M':
      return { kind: 'missing', text: text() }
    case 'X':
      return { kind: 'broken', text: text() }
    case 'S':
      return { kind: 'section', text: text() }
    case 'D':
      return { kind: 'data', bytes: payload }
    case 'E':
      return { kind: 'end' }
    case 'C':
      return { kind: 'cut' }
    case 'Z':
      return { kind: 'over' }
    default:
      throw new FrameError('the report pipe holds what is no report')
  }
}
