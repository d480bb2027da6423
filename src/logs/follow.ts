/**
 * Replay, then live. Pull-based: the next piece is read when the follower asks for it, so one that stalls costs a
 * cursor and at most one page in memory, and nobody else waits.
 */
import type { LogPiece, LogStore, LogStream } from './log-store.ts'

const page = 256 * 1024

export async function* follow(
  store: LogStore,
  attemptKey: string,
  from: { stream: LogStream; offset: number },
  signal?: AbortSignal,
): AsyncGenerator<LogPiece, void, undefined> {
  let cursor = await store.locate(attemptKey, from.stream, from.offset)
  for (;;) {
    if (signal?.aborted) return
    const next = await store.pieces(attemptKey, cursor, page)
    cursor = next.cursor
    yield* next.pieces
    if (next.ended) return
    if (next.pieces.length > 0) continue
    if ((await store.changed(attemptKey, cursor, signal)) === 'removed') return
  }
}
