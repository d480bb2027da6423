/** Where the shipping of one record file stands; pure bookkeeping, no I/O. */
import type { AttemptRef } from './control-plane.ts'

const chunkBytes = 256 * 1024
const requestBytes = 1024 * 1024
const requestChunks = 500
/** Of one attempt: one being written by the server while the next is on its way. */
const requestsPerAttempt = 2

/** A record file that grows; `length` counts whole records only. */
export interface RecordFile {
  readonly length: number
  /** The furthest end of a record that is at most `most` bytes behind `from`; the server takes whole records only. */
  boundary(from: number, most: number): number
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
  /** An answer below what we sent; taken when nothing is under way any more. */
  goBackTo: number | null
  /** Send a chunk even when there is nothing new: its answer says where the server stands. */
  ask: 'no' | 'wanted' | 'sent'
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
  goBackTo: null,
  ask: 'no',
  readableTo: Infinity,
  waiting: [],
  detached: false,
})

const end = (cursor: Cursor): number => Math.min(cursor.file.length, cursor.readableTo)

export const wants = (cursor: Cursor): boolean =>
  !cursor.detached && cursor.goBackTo === null && (cursor.ask === 'wanted' || cursor.next < end(cursor))

export interface Part {
  cursor: Cursor
  offset: number
  length: number
}

/** The next request. A set that gives its members turns: one endless log does not hold up another's first line. */
export function pick(dirty: Set<Cursor>): Part[] {
  const parts: Part[] = []
  const picked = new Set<Cursor>()
  let room = requestBytes
  for (const cursor of dirty) {
    if (parts.length === requestChunks) break
    if (!wants(cursor)) {
      dirty.delete(cursor)
      continue
    }
    if (!picked.has(cursor) && cursor.underWay >= requestsPerAttempt) continue
    const to = Math.min(cursor.file.boundary(cursor.next, Math.min(chunkBytes, room)), end(cursor))
    const length = Math.max(0, to - cursor.next)
    if (length === 0 && cursor.ask !== 'wanted') break // the room that is left is smaller than its next record
    if (!picked.has(cursor)) cursor.underWay++
    picked.add(cursor)
    parts.push({ cursor, offset: cursor.next, length })
    cursor.next += length
    if (cursor.ask === 'wanted') cursor.ask = 'sent'
    room -= length
    dirty.delete(cursor)
    if (wants(cursor)) dirty.add(cursor) // at the end: visited again by this very loop, after the others
  }
  return parts
}

export function settle(cursor: Cursor, sentTo: number, answer: { accepted: number; stale: boolean }): void {
  if (cursor.detached) return
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
