/**
 * Replay, then live. Pull-based: the next piece is read when the follower asks for it, so one that stalls costs a
 * cursor and at most one page in memory, and nobody else waits.
 */
import type { LogPiece, LogReader, LogStream } from './log-store.ts'
import { headerBytes, maxPayload } from './records.ts'

/**
 * Pages end at multiples of this in the record file, as far as records allow: followers who read at different speeds
 * come to the same places again, and share what is there.
 */
const page = 256 * 1024
const longestRecord = headerBytes + maxPayload

const lengthOfPageAt = (position: number): number => {
  const left = page - (position % page)
  return left < longestRecord ? left + page : left
}

/** `removed`: from this store; it may be elsewhere. */
export type FollowEnd = 'ended' | 'removed' | 'aborted'

/** A page, shared by all who follow from the same place: whoever gets it must not change it. */
export async function* followPages(
  store: Pick<LogReader, 'locate' | 'pieces' | 'changed'>,
  attemptKey: string,
  from: { stream: LogStream; offset: number },
  signal?: AbortSignal,
): AsyncGenerator<readonly LogPiece[], FollowEnd, undefined> {
  let cursor = await store.locate(attemptKey, from.stream, from.offset)
  for (;;) {
    if (signal?.aborted) return 'aborted'
    const wanted = lengthOfPageAt(cursor.position)
    const next = await store.pieces(attemptKey, cursor, wanted)
    const behind = next.cursor.position - cursor.position > wanted - longestRecord
    cursor = next.cursor
    if (next.pieces.length > 0) yield next.pieces
    if (next.ended) return 'ended'
    // A short page was all there is: more comes at the pace of the log, for all followers at once.
    if (behind) continue
    if ((await store.changed(attemptKey, cursor, signal)) === 'removed') return 'removed'
  }
}

export async function* follow(...wanted: Parameters<typeof followPages>): AsyncGenerator<LogPiece, void, undefined> {
  for await (const pieces of followPages(...wanted)) yield* pieces
}
