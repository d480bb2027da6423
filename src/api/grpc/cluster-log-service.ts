/** Logs that are with this server, for the other servers: what `cluster-log-client.ts` asks for. Servers only. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ConnectRouter } from '@connectrpc/connect'
import { AppError } from '../../lib/app-error.ts'
import type { LogPiece, LogStream, OwnLogs } from '../../operations/log-peers.ts'
import {
  LogService,
  Stream,
  type FollowResponseSchema,
  type PieceSchema,
} from './gen/runyard/cluster/v1/log_service_pb.js'

export const clusterLogRoutes =
  (logs: OwnLogs) =>
  (router: ConnectRouter): void => {
    router.service(LogService, clusterLogService(logs))
  }

export function clusterLogService(logs: OwnLogs) {
  const check = ({ server }: { server: string }): void => {
    if (server === logs.name) return
    throw new AppError(
      'unavailable',
      `this is server ${logs.name}, not ${server}: RUNYARD_GRPC_ADDRESS of ${server} must lead to it`,
    )
  }
  return {
    async read(request: Asked & { limit: number }) {
      check(request)
      const wanted = { ...placeOf(request), limit: request.limit }
      const { bytes, size, sealed } = await logs.read(request.attemptKey, wanted)
      return { bytes, size: BigInt(size), sealed }
    },
    async size(request: Omit<Asked, 'offset'>) {
      check(request)
      return { size: BigInt(await logs.size(request.attemptKey, streamOf(request.stream))) }
    },
    async readArtifact(request: { server: string; blob: string; offset: bigint; limit: number }) {
      check(request)
      const { offset } = placeOf({ ...request, attemptKey: '', stream: Stream.UNSPECIFIED })
      return { bytes: await logs.readArtifact(request.blob, offset, Math.min(request.limit, mostArtifactBytes)) }
    },
    async *follow(
      request: Asked,
      { signal }: { signal: AbortSignal },
    ): AsyncGenerator<MessageInitShape<typeof FollowResponseSchema>> {
      check(request)
      const pages = logs.follow(request.attemptKey, placeOf(request), signal)
      try {
        for (;;) {
          const next = await pages.next()
          if (next.done) {
            if (next.value === 'ended') yield { ended: true }
            return
          }
          yield { pieces: next.value.map(pieceOf) }
        }
      } finally {
        await pages.return('aborted')
      }
    },
  }
}

/** In one answer. */
const mostArtifactBytes = 1024 * 1024

interface Asked {
  server: string
  attemptKey: string
  stream: Stream
  offset: bigint
}

const placeOf = ({ stream, offset }: Asked): { stream: LogStream; offset: number } => {
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new AppError('invalid_argument', 'offset is too large')
  return { stream: streamOf(stream), offset: Number(offset) }
}

const streams: Partial<Record<number, LogStream>> = {
  [Stream.UNSPECIFIED]: 'all',
  [Stream.STDOUT]: 'stdout',
  [Stream.STDERR]: 'stderr',
}
function streamOf(stream: Stream): LogStream {
  const known = streams[stream]
  if (known === undefined) throw new AppError('invalid_argument', 'stream is stdout (1), stderr (2) or both (0)')
  return known
}

/** As in a record file. */
export const kinds = { stdout: 1, stderr: 2, mark: 3 } as const

const pieceOf = ({ stream, offset, time, bytes }: LogPiece): MessageInitShape<typeof PieceSchema> => ({
  kind: kinds[stream],
  offset: BigInt(offset),
  timeMs: BigInt(time),
  bytes,
})
