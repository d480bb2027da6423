/** Output over gRPC in the shape of the REST client: resumed by offset, so that no byte comes twice or is missed. */
import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { Client } from '@connectrpc/connect'
import { AppError } from '../../lib/app-error.ts'
import type { FollowEvent, FollowRequest } from '../client-follow.ts'
import type { LogRange, ReadLogRequest } from '../client-log.ts'
import { createFollowRetries, type OnAway } from '../client-retries.ts'
import { callError } from './client-errors.ts'
import { OutputStream, type JobService, type SubscribeOutputResponse } from './gen/runyard/v1/job_service_pb.js'

export interface OutputSource {
  client: Client<typeof JobService>
  server: string
  hasBeenOpen(): boolean
}

const streams = { all: OutputStream.UNSPECIFIED, stdout: OutputStream.STDOUT, stderr: OutputStream.STDERR }

export async function* followOutput(
  { client, server, hasBeenOpen }: OutputSource,
  request: FollowRequest,
  signal?: AbortSignal,
  onAway?: OnAway,
): AsyncGenerator<FollowEvent> {
  const place = { attempt: request.attempt ?? 0, onward: request.onward ?? false, offset: BigInt(request.offset ?? 0) }
  const stream = streams[request.stream ?? 'all']
  const retries = createFollowRetries(onAway)
  for (;;) {
    try {
      retries.asking()
      const wanted = { jobId: request.jobId, stream, ...place }
      for await (const message of client.subscribeOutput(wanted, { signal, timeoutMs: 0 })) {
        retries.heard()
        const events = eventsOf(message)
        // From now on of this attempt and those behind it, wherever the newest is by then.
        if (place.attempt === 0 && events.length > 0) place.onward = true
        if (events.length > 0) [place.attempt, place.offset] = [message.attempt, message.nextOffset]
        yield* events
        if (events.some(({ type }) => type === 'end')) return
      }
    } catch (error) {
      signal?.throwIfAborted()
      const told = callError(error, server)
      if (told.code !== 'unavailable' || !hasBeenOpen() || !retries.mayGoOn()) throw told
    }
    signal?.throwIfAborted()
    await retries.pause()
  }
}

function eventsOf(message: SubscribeOutputResponse): FollowEvent[] {
  const { attempt, discardedBytes, end } = message
  const at = { attempt, offset: Number(message.offset), time: message.time ? timestampMs(message.time) : 0 }
  if (end !== undefined) return [{ type: 'end', attempt: attempt === 0 ? null : attempt, state: end.state }]
  if (discardedBytes !== undefined) {
    const mark = { kind: 'truncated', bytes: Number(discardedBytes) }
    return [{ type: 'log', ...at, stream: 'mark', bytes: Buffer.from(JSON.stringify(mark)) }]
  }
  const pieces = [
    ['stdout', message.stdout],
    ['stderr', message.stderr],
  ] as const
  return pieces.flatMap(([stream, bytes]): FollowEvent[] =>
    bytes.length === 0
      ? []
      : [{ type: 'log', ...at, stream, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) }],
  )
}

/** A range of what there is now, and how much that is. */
export async function readOutput({ client, server }: OutputSource, request: ReadLogRequest): Promise<LogRange> {
  const { jobId, attempt = 0, offset = 0, limit = Infinity, signal } = request
  const wanted = { jobId, attempt, stream: streams[request.stream ?? 'all'], noFollow: true }
  try {
    let size = 0
    for await (const { nextOffset } of client.subscribeOutput({ ...wanted, tailBytes: 0n }, { signal })) {
      size = Number(nextOffset)
    }
    const last = Math.min(size, offset + limit)
    const pieces: Uint8Array[] = []
    let at = offset
    if (at < last) {
      for await (const message of client.subscribeOutput({ ...wanted, offset: BigInt(offset) }, { signal })) {
        pieces.push(message.stdout, message.stderr)
        at = Number(message.nextOffset)
        if (at >= last || message.end !== undefined) break
      }
    }
    return { bytes: Buffer.concat(pieces).subarray(0, last - offset), offset, size }
  } catch (error) {
    signal?.throwIfAborted()
    throw callError(error, server)
  }
}

export const notOverGrpc = (): AppError =>
  new AppError(
    'failed_precondition',
    'with a certificate there are start, run, stop, status, log and ls; for everything else talk to the server’s web ' +
      'address: --server http://HOST:8000 (after runyard login), or --data-dir DIR on its own machine',
  )
