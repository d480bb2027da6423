/** Logs of other servers, as this one reads them; `src/api/grpc/cluster-log-client.ts` asks them. */
import type { FollowEnd } from '../logs/follow.ts'
import type { LogPiece, LogRead, LogReader, LogStream } from '../logs/log-store.ts'

export type { LogPiece, LogRead, LogStream } from '../logs/log-store.ts'

export interface LogPeer {
  name: string
  /** host:port of its gRPC listener. */
  address: string
}

export interface FollowedFar {
  pieces: readonly LogPiece[]
  /** The log is sealed and this was all of it. When they end without it, that server no longer has the log. */
  ended: boolean
}

/** What this server shows of its own to the others. */
export interface OwnLogs extends Pick<LogReader, 'size' | 'read'> {
  /** Of this server. */
  name: string
  /** Of an artefact in its directory; fewer bytes than asked for only at the end. */
  readArtifact(blob: string, offset: number, limit: number): Promise<Buffer>
  follow(
    attemptKey: string,
    from: { stream: LogStream; offset: number },
    signal: AbortSignal,
  ): AsyncGenerator<readonly LogPiece[], FollowEnd, undefined>
}

/** Whatever keeps the other server from answering is `unavailable`. */
export interface LogPeers {
  size(peer: LogPeer, attemptKey: string, stream: LogStream): Promise<number>
  read(
    peer: LogPeer,
    attemptKey: string,
    wanted: { stream: LogStream; offset: number; limit: number },
  ): Promise<LogRead>
  follow(
    peer: LogPeer,
    attemptKey: string,
    from: { stream: LogStream; offset: number },
    signal: AbortSignal,
  ): AsyncIterable<FollowedFar>
}
