/** `SubscribeOutput` of `runyard.v1`: where a reader begins, what it is sent, and how it is told of the end. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError } from '@connectrpc/connect'
import { AppError } from '../../lib/app-error.ts'
import { isTerminal } from '../../job/state.ts'
import type { Ask } from '../../operations/deps.ts'
import type { Operations } from '../../operations/index.ts'
import type { FollowInput, Followed } from '../../operations/logs.ts'
import {
  OutputStream,
  type SubscribeOutputRequest,
  type SubscribeOutputResponseSchema,
} from './gen/runyard/v1/job_service_pb.js'
import { jobIdOf, wrongField } from './job-calls.ts'
import { endMessage } from './job-messages.ts'
import { chunksOf, type OutputChunk } from './job-output.ts'

type Output = MessageInitShape<typeof SubscribeOutputResponseSchema>

export async function* outputOf(
  on: Operations,
  ask: Ask,
  request: SubscribeOutputRequest,
  signal: AbortSignal,
): AsyncGenerator<Output> {
  const wanted = await beginningOf(on, ask, request)
  let place = { attempt: wanted.attempt ?? 0, nextOffset: BigInt(wanted.offset) }
  const events = request.noFollow ? whatIsThere(on, ask, wanted, signal) : on.followLog(ask, wanted, signal)
  for await (const event of events) {
    if (event.type === 'log') {
      for (const chunk of chunksOf(event.pieces)) {
        const message = messageOf(event.attempt, chunk)
        place = { attempt: event.attempt, nextOffset: message.nextOffset }
        yield message
      }
      continue
    }
    if (event.attempt !== null && event.attempt !== place.attempt) place = { attempt: event.attempt, nextOffset: 0n }
    const job = await on.getJob(ask, wanted.jobId)
    const discarded = job.result?.truncated_bytes ?? 0
    yield {
      ...{ ...place, offset: place.nextOffset, end: endMessage(job) },
      discardedBytes: discarded > 0 ? BigInt(discarded) : undefined,
    }
    return
  }
  throw signal.reason
}

const streams: Record<number, FollowInput['stream'] | undefined> = {
  [OutputStream.UNSPECIFIED]: 'all',
  [OutputStream.STDOUT]: 'stdout',
  [OutputStream.STDERR]: 'stderr',
}

interface Wanted extends FollowInput {
  lastAttempt: number
}

async function beginningOf(on: Operations, ask: Ask, request: SubscribeOutputRequest): Promise<Wanted> {
  const { tailBytes } = request
  const jobId = jobIdOf(request.jobId)
  const stream = streams[request.stream]
  if (stream === undefined) throw wrongField('stream', 'is stdout (1), stderr (2) or both (0)')
  if (request.offset > BigInt(Number.MAX_SAFE_INTEGER)) throw wrongField('offset', 'is at most 9007199254740991')
  if (tailBytes !== undefined && request.offset > 0n) throw wrongField('tail_bytes', 'give it or offset, not both')
  const job = await on.getJob(ask, jobId)
  const lastAttempt = job.last_attempt
  if (request.attempt > lastAttempt) {
    throw new AppError(
      'not_found',
      `attempt: the job has no attempt ${request.attempt}; its last one is ${lastAttempt}`,
    )
  }
  const attempt = request.attempt || lastAttempt || undefined
  const wanted = { jobId, stream, attempt, lastAttempt, onward: request.onward || request.attempt === 0 }
  if (request.offset === 0n && tailBytes === undefined) return { ...wanted, offset: 0 }

  const size = attempt === undefined ? 0 : (await on.openLog(ask, { jobId, attempt, stream })).size
  if (tailBytes !== undefined) return { ...wanted, offset: Math.max(0, size - Number(tailBytes)) }
  const offset = Number(request.offset)
  // Of a log that still grows the byte may come, and is waited for.
  const complete = isTerminal(job.state) || (attempt ?? 0) < lastAttempt || request.noFollow
  if (offset > size && complete) {
    throw new ConnectError(`offset: ${offset} is beyond the end, there are ${size} bytes`, Code.OutOfRange)
  }
  return { ...wanted, offset }
}

/** Of the attempts that there are, the bytes that there are; each at its size when its turn comes. */
async function* whatIsThere(on: Operations, ask: Ask, wanted: Wanted, signal: AbortSignal): AsyncGenerator<Followed> {
  const { jobId, stream, lastAttempt } = wanted
  const first = wanted.attempt ?? lastAttempt + 1
  for (let attempt = first; attempt <= (wanted.onward ? lastAttempt : first); attempt++) {
    const { size } = await on.openLog(ask, { jobId, attempt, stream })
    const offset = attempt === first ? wanted.offset : 0
    if (offset >= size) continue
    for await (const event of on.followLog(ask, { jobId, attempt, stream, offset, onward: false }, signal)) {
      if (event.type === 'end') break
      const [pieces, reached] = upTo(event.pieces, size)
      yield { ...event, pieces }
      if (reached) break
    }
    if (signal.aborted) return
  }
  yield { type: 'end', attempt: null, state: '' }
}

type Pieces = Extract<Followed, { type: 'log' }>['pieces']

function upTo(pieces: Pieces, size: number): [Pieces, boolean] {
  const last = pieces.at(-1)
  if (last === undefined || last.offset + last.bytes.length < size) return [pieces, false]
  const cut = pieces
    .filter(({ stream, offset }) => stream === 'mark' || offset < size)
    .map((piece) =>
      piece.stream === 'mark' ? piece : { ...piece, bytes: piece.bytes.subarray(0, size - piece.offset) },
    )
  return [cut, true]
}

function messageOf(attempt: number, { stream, offset, time, bytes }: OutputChunk) {
  const isOutput = stream !== 'mark'
  return {
    attempt,
    offset: BigInt(offset),
    ...(isOutput ? { [stream]: bytes } : { discardedBytes: discardedBy(bytes) }),
    nextOffset: BigInt(isOutput ? offset + bytes.length : offset),
    time: timestampFromMs(time),
  } satisfies Output
}

/** A mark is JSON of ours; another kind than this has no bytes. */
function discardedBy(mark: Uint8Array): bigint | undefined {
  const { bytes } = JSON.parse(Buffer.from(mark).toString()) as { bytes?: number }
  return bytes === undefined ? undefined : BigInt(bytes)
}
