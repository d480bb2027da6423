/**
 * One JSON document per line in both directions over the launcher's socket. A call has one reply; events come by
 * themselves, to the client that started the attempt or asked for it last.
 */
import type { Usage } from '../../job/outcome.ts'
import type { AttemptOrder, StartFailure, StopReason } from '../executor.ts'
import type { DriversConfig } from '../driver/driver.ts'
import type { ExecutorConfig } from '../supervisor/check.ts'
import type { End } from '../supervisor/end.ts'

export type Call =
  | { op: 'hello' }
  /** What this host gives to sandboxes. */
  | { op: 'ground' }
  /** First of all calls about attempts; what an earlier launcher left is dead when it is answered. */
  | { op: 'configure'; config: ExecutorConfig | DriversConfig }
  /** To a driver process, behind `configure`: what the runner knows of attempts that an earlier one may have left. */
  | { op: 'take_up'; orders: AttemptOrder[] }
  /** Of a driver process: what its drivers say of themselves, by kind. */
  | { op: 'states' }
  /** `at`: when it was said (`monotonicMs`). Who stood still meanwhile must not count from when they read it. */
  | { op: 'start'; order: AttemptOrder; at: number }
  | { op: 'stop'; key: string; reason: StopReason; graceMs: number }
  | { op: 'usage'; key: string }
  | { op: 'release'; key: string }
  | { op: 'extend'; keys: string[]; keepForMs: number; at: number }
  | { op: 'attempts' }
  | { op: 'sweep' }
  /** Idle slots are taken down. */
  | { op: 'cool' }
  /** The client will not come back: a launcher without attempts need not wait for it. */
  | { op: 'goodbye' }

export interface Answers {
  /** `warm`: sandboxes that wait for a job, and that were given to one. */
  hello: { pid: number; starter: number | null; warm: { waiting: number; used: number } }
  ground: GroundOnWire
  configure: null
  take_up: null
  states: Record<string, unknown>
  start: Begun | { refused: { errorClass: StartFailure; message: string; share?: string } }
  stop: null
  usage: Usage
  release: null
  extend: null
  attempts: Snapshot[]
  sweep: number
  cool: null
  goodbye: null
}

export interface Begun {
  startedAt: number
  unenforced: string[]
  recordFile: string
}

export interface LogState {
  /** Bytes that can be read by offset: from the record file, then from `tail`. */
  length: number
  /** Base64; what a full disk did not take. */
  tail?: string
  broken?: string
}

export interface Snapshot extends Begun {
  key: string
  note: unknown
  log: LogState
  end?: EndEvent
  /** Of one with helpers that runs: what its new runner masks too. */
  secrets?: string[]
}

export interface EndEvent {
  end: End
  log: LogState
  /** Base64; all of the log, when it is short. */
  whole?: string
}

export type Event = { event: 'grown'; key: string; log: LogState } | ({ event: 'ended'; key: string } & EndEvent)

export interface GroundOnWire {
  kind: 'v1' | 'v2' | 'hybrid' | 'none'
  hierarchies: { version: 1 | 2; dir: string; controllers: string[] }[]
  problems: [string, string][]
  bwrap: { bindFd: boolean; disableUserns: boolean; size: boolean } | null
}

export type Request = { n: number } & Call
export type Reply = { n: number; ok: true; value: unknown } | { n: number; ok: false; error: string }

/** Bytes in pieces → whole lines. */
export function createLineReader(onLine: (line: string) => void): (bytes: Buffer) => void {
  let pieces: Buffer[] = []
  return (bytes) => {
    let from = 0
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      if (pieces.length === 0) onLine(bytes.toString('utf8', from, at))
      else {
        pieces.push(bytes.subarray(from, at))
        const line = Buffer.concat(pieces).toString('utf8')
        pieces = []
        onLine(line)
      }
      from = at + 1
    }
    if (from < bytes.length) pieces.push(Buffer.from(bytes.subarray(from)))
  }
}

/** Everything said in one turn of the event loop leaves in one write. */
export function createLineWriter(write: (text: string) => void): (document: unknown) => void {
  let waiting = ''
  return (document) => {
    if (waiting === '') {
      setImmediate(() => {
        const text = waiting
        waiting = ''
        write(text)
      })
    }
    waiting += `${JSON.stringify(document)}\n`
  }
}
