/**
 * Reading a log wherever it is: with this server, in the shared store, with another server. One that is with this server
 * costs nothing extra. A follower goes on at its byte when the log moves, and when the server that has it is away it
 * waits for a while: the runner may be shipping it to another one.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db, Queryable } from '../db/pool.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { followPages, type FollowEnd } from '../logs/follow.ts'
import type { LogPiece, LogRead, LogStore, LogStream } from '../logs/log-store.ts'
import type { SharedLogs } from '../logs/shared-logs.ts'
import { leaveRemovals, logPlaceOf, type LogPlace } from '../queue/log-places.ts'
import type { AttemptName, DoomedAttempt } from '../queue/prune.ts'
import { attemptKey } from '../queue/types.ts'
import type { FollowedFar, LogPeer, LogPeers } from './log-peers.ts'
import type { LogWatch, WatchedLog } from './log-watch.ts'

/** A log as it lies now; a later look may find it elsewhere. */
export interface PlacedLog {
  size(stream: LogStream): Promise<number>
  read(wanted: { stream: LogStream; offset: number; limit: number }): Promise<LogRead>
}

export interface LogPlaces {
  /** `unavailable`, naming the server, when nobody who is there has it. */
  open(attempt: AttemptName): Promise<PlacedLog>
  follow(
    attempt: AttemptName,
    from: { stream: LogStream; offset: number },
    signal: AbortSignal,
  ): AsyncGenerator<readonly LogPiece[], void, undefined>
  /** Logs of jobs that are being deleted in this transaction. */
  remove(tx: Queryable, attempts: readonly DoomedAttempt[]): Promise<void>
}

export interface PlacesParts {
  db: Db
  /** Of this server in the database. */
  server: string
  logs: LogStore
  watch: LogWatch
  shared: SharedLogs | null
  /** Null while this server has no certificate to show to the others. */
  peers(): LogPeers | null
  patience?: Patience
}

/** How long a follower waits for a log that nobody has who is there. */
export interface Patience {
  /** The attempt goes on: its runner finds another server, and asks there where its log stands. */
  runningMs: number
  /** Nobody ships it again: only its server can come back. */
  overMs: number
}

const usualPatience: Patience = { runningMs: 90_000, overMs: 10_000 }

type Found =
  | { kind: 'own'; over: boolean }
  | { kind: 'shared'; over: boolean }
  /** Neither is there anything, nor will anything come. */
  | { kind: 'nothing' }
  | { kind: 'peer'; peer: LogPeer; peers: LogPeers; over: boolean }
  | { kind: 'away'; error: AppError; over: boolean }

export function createLogPlaces(parts: PlacesParts): LogPlaces {
  const { db, server, logs, watch, shared, patience = usualPatience } = parts

  const inDatabase = async (attempt: AttemptName): Promise<{ found: Found; words: string }> => {
    const place = await logPlaceOf(db, attempt)
    const words = place === null ? 'removed' : `${place.server} ${place.shared} ${place.over}`
    return { found: place === null ? { kind: 'nothing' } : await whereItIs(attempt, place), words }
  }

  const whereItIs = async (attempt: AttemptName, place: LogPlace): Promise<Found> => {
    const { over } = place
    const away = (why: string): Found => ({ kind: 'away', over, error: awayError(attempt, why) })
    if (place.shared) return shared ? { kind: 'shared', over } : away(notShared)
    if (place.server === server) return { kind: 'own', over }
    if (place.server === null) {
      if (!over || (await logs.size(attemptKey(attempt), 'all')) > 0) return { kind: 'own', over }
      return (place.length ?? 0) > 0 ? away(onNobody) : { kind: 'nothing' }
    }
    if (place.name === null) return away(`was on a server that is long gone (number ${place.server})`)
    if (!place.there) return away(awayWords(place.name, place.silentSeconds))
    if (place.address === null) return away(noListener(place.name))
    const peers = parts.peers()
    return peers === null
      ? away(`is on server ${place.name}, and this server has no certificate to ask it with: run "runyard certs init"`)
      : { kind: 'peer', over, peers, peer: { name: place.name, address: place.address } }
  }

  /** Without a question to the database where the answer is plain. */
  const find = async (attempt: AttemptName, watched?: WatchedLog): Promise<Found> => {
    const key = attemptKey(attempt)
    if (watch.has(key)) return { kind: 'own', over: false }
    // What is sealed here is whole, whatever the database says.
    if ((await logs.sealed(key)) !== null) return { kind: 'own', over: true }
    const { found, words } = await inDatabase(attempt)
    watched?.seen(words, async () => (await inDatabase(attempt)).words)
    return found
  }

  async function* followFound(
    found: Found,
    attempt: AttemptName,
    from: { stream: LogStream; offset: number },
    signal: AbortSignal,
  ): AsyncGenerator<readonly LogPiece[], FollowEnd, undefined> {
    const key = attemptKey(attempt)
    if (found.kind === 'own') return yield* followPages(logs, key, from, signal)
    if (found.kind === 'nothing') return 'ended'
    if (found.kind === 'away') throw found.error
    if (found.kind === 'shared') return yield* followPages(shared!, key, from, signal)
    return yield* followFar(found.peers.follow(found.peer, key, from, signal))
  }

  return {
    async open(attempt) {
      const key = attemptKey(attempt)
      const found = await find(attempt)
      if (found.kind === 'away') throw found.error
      if (found.kind === 'peer') {
        const { peer, peers } = found
        return {
          size: (stream) => inWords(attempt, peer, () => peers.size(peer, key, stream)),
          read: (wanted) => inWords(attempt, peer, () => peers.read(peer, key, wanted)),
        }
      }
      const reader = found.kind === 'shared' ? shared! : logs
      return { size: (stream) => reader.size(key, stream), read: (wanted) => reader.read(key, wanted) }
    },

    async *follow(attempt, { stream, offset }, signal) {
      const place = createFollowerPlace(offset)
      let awaySince: number | null = null
      while (!signal.aborted) {
        const watched = watch.follow(attemptKey(attempt))
        let over = false
        let end: FollowEnd
        try {
          const found = await find(attempt, watched)
          over = 'over' in found && found.over
          const both = AbortSignal.any([signal, watched.moved])
          const pages = followFound(found, attempt, { stream, offset: place.offset() }, both)
          end = yield* noting(pages, (pieces) => {
            awaySince = null
            return place.fresh(pieces)
          })
        } catch (error) {
          if (signal.aborted) return
          if (!isAppError(error) || error.code !== 'unavailable') throw error
          awaySince ??= performance.now()
          const most = over ? patience.overMs : patience.runningMs
          if (performance.now() - awaySince > most) throw error
          await pause(AbortSignal.any([signal, watched.moved]))
          continue
        } finally {
          watched.end()
        }
        if (end === 'ended') return
      }
    },

    async remove(tx, attempts) {
      for (const attempt of attempts) await logs.remove(attemptKey(attempt))
      const inShared = shared ? attempts.filter((attempt) => attempt.shared) : []
      await Promise.all(inShared.map((attempt) => shared!.remove(attemptKey(attempt))))
      const elsewhere = attempts.filter((a) => a.server !== null && a.server !== server && !a.shared)
      await leaveRemovals(
        tx,
        elsewhere.map((attempt) => ({ server: attempt.server!, attempt })),
      )
    },
  }
}

const pauseMs = 500
const pause = (signal: AbortSignal): Promise<unknown> => sleep(pauseMs, undefined, { signal }).catch(() => {})

/** Gives on what the pages become, and their end. */
async function* noting(
  pages: AsyncGenerator<readonly LogPiece[], FollowEnd, undefined>,
  become: (pieces: readonly LogPiece[]) => readonly LogPiece[],
): AsyncGenerator<readonly LogPiece[], FollowEnd, undefined> {
  try {
    for (;;) {
      const next = await pages.next()
      if (next.done) return next.value
      const pieces = become(next.value)
      if (pieces.length > 0) yield pieces
    }
  } finally {
    await pages.return('aborted')
  }
}

async function* followFar(
  answers: AsyncIterable<FollowedFar>,
): AsyncGenerator<readonly LogPiece[], FollowEnd, undefined> {
  for await (const { pieces, ended } of answers) {
    if (pieces.length > 0) yield pieces
    if (ended) return 'ended'
  }
  return 'removed'
}

/** Where a follower stands, over all the places that it reads from. Marks have no bytes: those it had are known by their time. */
function createFollowerPlace(offset: number) {
  let at = offset
  let marks: LogPiece[] = []
  const hadMark = (piece: LogPiece): boolean =>
    marks.some((mark) => mark.offset === piece.offset && mark.time === piece.time && mark.bytes.equals(piece.bytes))
  return {
    offset: () => at,
    fresh(pieces: readonly LogPiece[]): readonly LogPiece[] {
      const had = marks.length > 0 && pieces.some((piece) => piece.stream === 'mark' && hadMark(piece))
      // The same page for all who follow from there, unless there is something in it that this one had.
      const fresh = had ? pieces.filter((piece) => piece.stream !== 'mark' || !hadMark(piece)) : pieces
      for (const piece of fresh) {
        if (piece.stream === 'mark') marks.push(piece)
        else {
          at = piece.offset + piece.bytes.length
          marks = []
        }
      }
      return fresh
    },
  }
}

async function inWords<T>(attempt: AttemptName, { name, address }: LogPeer, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isAppError(error) || error.code !== 'unavailable') throw error
    throw awayError(
      attempt,
      `is on server ${name} (${address}), which does not answer this server: ${error.message}`,
      error,
    )
  }
}

const awayError = (attempt: AttemptName, why: string, cause?: unknown): AppError =>
  new AppError('unavailable', `the log of attempt ${attempt.number} ${why}`, { retryAfterSeconds: 10, cause })

const notShared = 'is in a shared log store, and this server has none: set RUNYARD_LOG_STORE as on the other servers'
const onNobody = 'is not on this server, and which one has it was never written down'
const noListener = (name: string): string =>
  `is on server ${name}, whose gRPC listener is not open: "runyard certs init" opens it, and other machines need RUNYARD_GRPC_HOST`
const awayWords = (name: string, seconds: number): string =>
  `is on server ${name}, which was last heard of ${Math.round(seconds)} s ago: it can be read when that server is back (with RUNYARD_LOG_STORE, ended logs do not depend on one server)`
