/** One JSON document per line in both directions over the launcher's socket; every request has one reply. */
import type { LaunchExit, Launched, LaunchOrder } from './launcher.ts'

export type Call =
  | { op: 'hello' }
  /** `at`: when it was said (`monotonicMs`). Who stood still meanwhile must not count from when they read it. */
  | { op: 'start'; order: LaunchOrder; at: number }
  | { op: 'exited'; id: string }
  | { op: 'extend'; ids: string[]; keepForMs: number; at: number }
  | { op: 'forget'; id: string }
  | { op: 'running' }
  /** The client will not come back: a launcher without attempts need not wait for it. */
  | { op: 'goodbye' }

export interface Answers {
  hello: { pid: number; delegatedCgroup: string | null }
  start: Launched
  exited: LaunchExit
  extend: null
  forget: null
  running: string[]
  goodbye: null
}

export type Request = { n: number } & Call
export type Reply = { n: number; ok: true; value: unknown } | { n: number; ok: false; error: string }

/** Bytes in pieces → whole lines. */
export function createLineReader(onLine: (line: string) => void): (bytes: Buffer) => void {
  let pieces: Buffer[] = []
  return (bytes) => {
    let from = 0
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      pieces.push(bytes.subarray(from, at))
      onLine(Buffer.concat(pieces).toString('utf8'))
      pieces = []
      from = at + 1
    }
    if (from < bytes.length) pieces.push(bytes.subarray(from))
  }
}
