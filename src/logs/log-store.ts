/**
 * The log store port: a log is one record file (`records.ts`) for each attempt, appended by offset while the attempt
 * lives and sealed when it has ended. `local-log-store.ts` keeps them in a directory; every store passes
 * `log-store-conformance.ts`.
 */
import { AppError } from '../lib/app-error.ts'
import type { RecordStream } from './records.ts'

/** `all` is stdout and stderr in order of arrival. Offsets count bytes of output, never of records. */
export type LogStream = 'stdout' | 'stderr' | 'all'

export interface Appended {
  /** Bytes of the record file that the store has; the next chunk begins here. */
  accepted: number
  /** Bytes that survive a power cut. */
  durable: number
}

/** Also what `attempts.log` keeps. */
export interface SealedLog {
  /** Of the record file. */
  length: number
  stdout_bytes: number
  stderr_bytes: number
  truncated_bytes: number
}

/** Whole, undamaged records; made by `short-log.ts` only. */
export interface ShortLog {
  bytes: Buffer
  sums: SealedLog
}

export interface LogRead {
  bytes: Buffer
  /** Bytes of this stream so far. */
  size: number
  /** Nothing more will come. */
  sealed: boolean
}

export interface LogPiece {
  stream: RecordStream
  /** Of the first byte, in the stream that was asked for. A mark has the offset of the byte that follows it. */
  offset: number
  /** Milliseconds since 1970. */
  time: number
  bytes: Buffer
}

/** A place between two pieces; opaque, valid for one log in one store. */
export interface LogCursor {
  stream: LogStream
  /** Of the record file. */
  position: number
  stdout: number
  stderr: number
  /** Output before this offset was already given. */
  from: number
}

export interface LogPieces {
  pieces: LogPiece[]
  cursor: LogCursor
  /** The cursor stands at the end and nothing more will come: sealed, or removed. */
  ended: boolean
}

export interface StoredLog {
  attemptKey: string
  /** On disk, compressed. */
  bytes: number
  sealed: boolean
}

/** The reading half: what a log needs to be read wherever it lies. */
export type LogReader = Pick<LogStore, 'read' | 'size' | 'locate' | 'pieces' | 'changed'>

export interface LogStore {
  /**
   * Takes whole records that begin at `offset`. What the store already has is dropped; after a gap nothing is taken
   * and `accepted` says where to go on; an incomplete record at the end is left out. Idempotent, so a lost answer is
   * repaired by sending again. No bytes: a question. Rejects with `unavailable` when the disk takes no more.
   */
  append(attemptKey: string, offset: number, bytes: Uint8Array): Promise<Appended>
  /**
   * The log is complete at `length` (left out: at what is there, for an attempt whose runner is lost). Compressed and
   * durable when this resolves. Again with the same length: the same answer. `failed_precondition` when bytes are
   * missing.
   */
  seal(attemptKey: string, length?: number): Promise<SealedLog>
  /**
   * Logs that come whole and at once, with the end of their jobs: all of them are stored, sealed and durable when this
   * resolves, at the price of one fsync. Again with the same bytes: the same answer. Null where a log is there already
   * that does not go together with this one.
   */
  sealShort(items: readonly { attemptKey: string; log: ShortLog }[]): Promise<(SealedLog | null)[]>
  /** At most 1 MiB. A log that is not there is empty and not sealed: whether it should be there, the database knows. */
  read(attemptKey: string, options: { stream: LogStream; offset: number; limit: number }): Promise<LogRead>
  /** Where reading with timestamps begins. */
  locate(attemptKey: string, stream: LogStream, offset: number): Promise<LogCursor>
  /** The next pieces, about `limit` bytes, at least one when there is one. */
  pieces(attemptKey: string, cursor: LogCursor, limit: number): Promise<LogPieces>
  /** Resolves when `pieces` would answer anything new, or when the signal is aborted. */
  changed(attemptKey: string, cursor: LogCursor, signal?: AbortSignal): Promise<'changed' | 'removed' | 'aborted'>
  size(attemptKey: string, stream: LogStream): Promise<number>
  /** The sums of a sealed log, else null. */
  sealed(attemptKey: string): Promise<SealedLog | null>
  /** Idempotent; followers end. */
  remove(attemptKey: string): Promise<void>
  /** The same, for a log that is not sealed; a sealed one stays. Whether there is none now. */
  removeUnsealed(attemptKey: string): Promise<boolean>
  list(): AsyncIterable<StoredLog>
  /** Makes everything durable that was accepted and lets go of timers. */
  close(): Promise<void>
}

const keyPattern = /^[1-9][0-9]{0,18}-[1-9][0-9]{0,8}$/

/** `<job key>-<attempt number>`; anything else never reaches a path. */
export function checkAttemptKey(attemptKey: string): void {
  if (!keyPattern.test(attemptKey)) throw new AppError('invalid_argument', 'not the key of an attempt')
}
