/** Asks other servers for logs that they have, with this server's own certificate. */
import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { AppError } from '../../lib/app-error.ts'
import type { ArtifactPeers } from '../../operations/artifact-peers.ts'
import type { LogPeer, LogPeers, LogPiece, LogStream } from '../../operations/log-peers.ts'
import { kinds } from './cluster-log-service.ts'
import { LogService, Stream, type Piece } from './gen/runyard/cluster/v1/log_service_pb.js'
import type { SecureCredentials } from './secure-listener.ts'
import { sessionSettings } from './sessions.ts'

export interface ClusterLogClient extends LogPeers, ArtifactPeers {
  close(): void
}

/** A server that does not answer a question within this time counts as away. */
const answerMs = 10_000
/** Of one question. */
const artifactBytes = 512 * 1024
/** A link that is cut without a word is noticed within these two. */
const pings = {
  pingIntervalMs: 5_000,
  pingTimeoutMs: 5_000,
  pingIdleConnection: false,
  idleConnectionTimeoutMs: 60_000,
}

interface Link {
  certificatePem: string
  sessions: Http2SessionManager
  client: Client<typeof LogService>
}

/** `credentials`: those of this moment; they are renewed while the server runs. */
export function createClusterLogClient(credentials: () => SecureCredentials | undefined): ClusterLogClient {
  const links = new Map<string, Link>()

  const linkTo = (address: string): Client<typeof LogService> => {
    const own = credentials()
    if (own === undefined) throw new AppError('unavailable', 'this server has no certificate yet')
    const known = links.get(address)
    if (known?.certificatePem === own.certificatePem) return known.client
    const { certificatePem, privateKeyPem, authorityPems } = own
    const baseUrl = `https://${address}`
    const sessions = new Http2SessionManager(baseUrl, pings, {
      cert: certificatePem,
      key: privateKeyPem,
      ca: [...authorityPems],
      minVersion: 'TLSv1.3',
      settings: sessionSettings,
    })
    const client = createClient(
      LogService,
      createGrpcTransport({ baseUrl, sessionManager: sessions, acceptCompression: [] }),
    )
    // What is under way over the old certificate's link ends there, and the link with its idle time.
    links.set(address, { certificatePem, sessions, client })
    return client
  }

  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw inWords(error)
    }
  }

  return {
    size: ({ name, address }, attemptKey, stream) =>
      ask(async () => {
        const asked = { server: name, attemptKey, stream: wire[stream] }
        return Number((await linkTo(address).size(asked, { timeoutMs: answerMs })).size)
      }),
    read: ({ name, address }, attemptKey, { stream, offset, limit }) =>
      ask(async () => {
        const asked = { server: name, attemptKey, stream: wire[stream], offset: BigInt(offset), limit }
        const { bytes, size, sealed } = await linkTo(address).read(asked, { timeoutMs: answerMs })
        return { bytes: bufferOf(bytes), size: Number(size), sealed }
      }),
    async *readArtifact({ name, address }: LogPeer, blob, start, end) {
      for (let at = start; at < end;) {
        const asked = { server: name, blob, offset: BigInt(at), limit: Math.min(artifactBytes, end - at) }
        const { bytes } = await ask(() => linkTo(address).readArtifact(asked, { timeoutMs: answerMs }))
        if (bytes.length === 0) throw new AppError('unavailable', `server ${name} no longer has the artefact`)
        yield bufferOf(bytes)
        at += bytes.length
      }
    },
    async *follow({ name, address }: LogPeer, attemptKey, { stream, offset }, signal) {
      const asked = { server: name, attemptKey, stream: wire[stream], offset: BigInt(offset) }
      try {
        for await (const { pieces, ended } of linkTo(address).follow(asked, { signal, timeoutMs: 0 })) {
          yield { pieces: pieces.map(pieceOf), ended }
        }
      } catch (error) {
        if (!signal.aborted) throw inWords(error)
      }
    },
    close() {
      for (const { sessions } of links.values()) sessions.abort()
      links.clear()
    },
  }
}

const wire: Record<LogStream, Stream> = { all: Stream.UNSPECIFIED, stdout: Stream.STDOUT, stderr: Stream.STDERR }
const streamOf: Partial<Record<number, LogPiece['stream']>> = {
  [kinds.stdout]: 'stdout',
  [kinds.stderr]: 'stderr',
  [kinds.mark]: 'mark',
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function pieceOf({ kind, offset, timeMs, bytes }: Piece): LogPiece {
  const stream = streamOf[kind]
  if (stream === undefined) throw new AppError('internal', `a piece of a log has the kind ${kind}`)
  return { stream, offset: Number(offset), time: Number(timeMs), bytes: bufferOf(bytes) }
}

/** Of the codes of another server only those are told on that mean the same to who asks this one. */
function inWords(error: unknown): AppError {
  if (error instanceof AppError) return error
  const { code, rawMessage, cause } = ConnectError.from(error)
  if (code === Code.Internal || code === Code.InvalidArgument) {
    return new AppError('internal', `another server answers ${Code[code]}: ${rawMessage}`, { cause: error })
  }
  const network = (cause as NodeJS.ErrnoException | undefined)?.code
  return new AppError('unavailable', network ?? rawMessage, { retryAfterSeconds: 5, cause: error })
}
