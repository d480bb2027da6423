/** Reading a job's output: a range of what is there, or replay and then live. */
import { AppError } from '../lib/app-error.ts'
import { isTerminal } from '../job/state.ts'
import type { LogPiece, LogStream } from '../logs/log-store.ts'
import type { JobRow } from '../queue/find.ts'
import { known, notFound, type Ask, type Deps } from './deps.ts'
import { jobOf } from './find-jobs.ts'
import type { JobChanges } from './job-changes.ts'

export interface OpenLogInput {
  jobId: string
  /** The newest when missing. */
  attempt?: number
  stream: LogStream
}

export interface OpenLog {
  attempt: number | null
  /** Bytes of the stream now; `bytes` gives no more than these. */
  size: number
  bytes(start: number, end: number): AsyncGenerator<Buffer>
}

const chunk = 256 * 1024

export async function openLog(deps: Deps, anyAsk: Ask, input: OpenLogInput): Promise<OpenLog> {
  const row = await readable(deps, anyAsk, input.jobId)
  const attempt = input.attempt ?? row.lastAttempt
  if (attempt === 0) return { attempt: null, size: 0, async *bytes() {} }
  if (attempt > row.lastAttempt) throw notFound('attempt')
  const name = { jobKey: row.jobKey, number: attempt }
  let log = await deps.logPlaces.open(name)
  return {
    attempt,
    size: await log.size(input.stream),
    async *bytes(start, end) {
      for (let offset = start; offset < end;) {
        const wanted = { stream: input.stream, offset, limit: Math.min(chunk, end - offset) }
        let { bytes } = await log.read(wanted)
        if (bytes.length === 0) {
          // It may have gone elsewhere just now.
          log = await deps.logPlaces.open(name)
          bytes = (await log.read(wanted)).bytes
        }
        // Removed while it was read: the connection breaks off short of its content-length.
        if (bytes.length === 0) throw new AppError('unavailable', 'the log was removed')
        yield bytes
        offset += bytes.length
      }
    },
  }
}

export interface FollowInput extends OpenLogInput {
  /** Of the first attempt's stream. */
  offset: number
  /** With `attempt`: go on with those after it, until the job ends. */
  onward: boolean
}

export type Followed =
  | { type: 'log'; attempt: number; pieces: readonly LogPiece[] }
  | { type: 'end'; attempt: number | null; state: string }

/** A change notice may be lost; a look this often repairs that. */
const lookEveryMs = 2_000

export async function* followLog(
  deps: Deps,
  changes: JobChanges,
  ask: Ask,
  input: FollowInput,
  signal: AbortSignal,
): AsyncGenerator<Followed> {
  const onlyThis = input.attempt !== undefined && !input.onward
  let last: number | null = null
  let { offset } = input
  for (;;) {
    // Asked for before the look, so that a change between the two is not missed.
    const looked = new AbortController()
    const change = changes.next(input.jobId, lookEveryMs, AbortSignal.any([signal, looked.signal]))
    const row = await readable(deps, ask, input.jobId).catch((error: unknown) => {
      looked.abort()
      throw error
    })
    const next: number = last === null ? (input.attempt ?? row.lastAttempt) : last + 1
    if (next > 0 && next <= row.lastAttempt) {
      looked.abort()
      const name = { jobKey: row.jobKey, number: next }
      for await (const pieces of deps.logPlaces.follow(name, { stream: input.stream, offset }, signal)) {
        yield { type: 'log', attempt: next, pieces }
      }
      if (signal.aborted) return
      last = next
      offset = 0
      if (!onlyThis) continue
    }
    if (onlyThis && last !== null) {
      looked.abort()
      const now = await readable(deps, ask, input.jobId)
      yield { type: 'end', attempt: last, state: now.state }
      return
    }
    if (isTerminal(row.state)) {
      looked.abort()
      if (onlyThis) throw notFound('attempt')
      yield { type: 'end', attempt: last, state: row.state }
      return
    }
    await change
    if (signal.aborted) return
  }
}

const readable = (deps: Deps, ask: Ask, jobId: string): Promise<JobRow> => jobOf(deps.db, known(ask), jobId)
