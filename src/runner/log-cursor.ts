/** Where the shipping of one record file stands; pure bookkeeping, no I/O. */
import type { AttemptRef } from './control-plane.ts'

export const requestBytes = 1024 * 1024
/** At least this much of one file, where it has so much: room for a whole record of any size. */
const leastBytes = 128 * 1024
const requestChunks = 500
/** Of one attempt: one being written by the server while the next is on its way. */
const requestsPerAttempt = 2

/** A record file that grows; `length` counts whole records only. */
export interface RecordFile {
  length(): number
  read(offset: number, into: Uint8Array): Promise<number>
}

export interface Cursor {
  ref: AttemptRef
  file: RecordFile
  onStale: () => void
  /** Offset of the next chunk to send. */
  next: number
  accepted: number
  underWay: number
  /** Being read: `next` moves when it is known how many whole records were read. */
  reading: boolean
  /** Something was sent. */
  begun: boolean
  /** An answer below what we sent; taken when nothing is under way any more. */
  goBackTo: number | null
  /** Send an empty chunk: its answer says where the server stands. Nothing else goes out until then. */
  ask: 'no' | 'wanted' | 'sent'
  /** `performance.now()` of the last answer. */
  heardAt: number
  /** The disk gives nothing back from here on. */
  readableTo: number
  waiting: { length: number; resolve: () => void }[]
  detached: boolean
}

export const newCursor = (ref: AttemptRef, file: RecordFile, onStale: () => void): Cursor => ({
  ref,
  file,
  onStale,
  next: 0,
  accepted: 0,
  underWay: 0,
  reading: false,
  begun: false,
  goBackTo: null,
  ask: 'no',
  heardAt: 0,
  readableTo: Infinity,
  waiting: [],
  detached: false,
})

const end = (cursor: Cursor): number => Math.min(cursor.file.length(), cursor.readableTo)

export const wants = (cursor: Cursor): boolean =>
  !cursor.detached &&
  !cursor.reading &&
  cursor.goBackTo === null &&
  cursor.ask !== 'sent' &&
  cursor.underWay < requestsPerAttempt &&
  (cursor.ask === 'wanted' || cursor.next < end(cursor))

export interface Part {
  cursor: Cursor
  offset: number
  /** To be read; what is sent of it ends where a record ends. */
  length: number
}

/** The next request. A set that gives its members turns: one endless log does not hold up another's first line. */
export function pick(dirty: Set<Cursor>): Part[] {
  const parts: Part[] = []
  let room = requestBytes
  const share = Math.max(leastBytes, Math.floor(room / Math.max(1, dirty.size)))
  for (const cursor of dirty) {
    if (parts.length === requestChunks) break
    if (!wants(cursor)) {
      dirty.delete(cursor)
      continue
    }
    const left = end(cursor) - cursor.next
    const length = cursor.ask === 'wanted' ? 0 : Math.min(share, left)
    if (length > room) break
    parts.push({ cursor, offset: cursor.next, length })
    if (cursor.ask === 'wanted') cursor.ask = 'sent'
    cursor.reading = true
    cursor.begun = true
    cursor.underWay++
    room -= length
    dirty.delete(cursor)
  }
  return parts
}

/** So much was read and goes out. */
export function sent({ cursor, offset }: Part, length: number): void {
  cursor.next = offset + length
  cursor.reading = false
}

/**
 * All of it was taken, and for a while nothing was said. The server that has it may be gone for ever, and another one
 * would only hear of this log when the job prints again.
 */
export const isSilent = (cursor: Cursor, now: number, silentMs: number): boolean =>
  cursor.begun &&
  !cursor.detached &&
  !cursor.reading &&
  cursor.underWay === 0 &&
  cursor.ask === 'no' &&
  cursor.next >= end(cursor) &&
  now - cursor.heardAt >= silentMs

export function settle(cursor: Cursor, sentTo: number, answer: { accepted: number; stale: boolean }): void {
  if (cursor.detached) return
  cursor.heardAt = performance.now()
  if (cursor.ask === 'sent') cursor.ask = 'no'
  if (answer.stale) {
    cursor.detached = true
    cursor.onStale()
  } else if (answer.accepted < sentTo) {
    cursor.goBackTo = Math.min(cursor.goBackTo ?? Infinity, answer.accepted)
  } else {
    cursor.accepted = Math.max(cursor.accepted, answer.accepted)
    // The server has more than we sent: an earlier runner process had shipped it.
    cursor.next = Math.max(cursor.next, Math.min(answer.accepted, end(cursor)))
  }
}

/** When an answer has been settled: goes back if told to, and lets those go who waited for this point. */
export function afterAnswer(cursor: Cursor): void {
  if (cursor.goBackTo !== null && cursor.underWay === 0) {
    cursor.next = cursor.accepted = cursor.goBackTo
    cursor.goBackTo = null
  }
  const pending = cursor.ask !== 'no' || cursor.goBackTo !== null
  const there = (length: number) => !pending && cursor.accepted >= Math.min(length, cursor.readableTo)
  cursor.waiting = cursor.waiting.filter(({ length, resolve }) => {
    if (!cursor.detached && !there(length)) return true
    resolve()
    return false
  })
}
