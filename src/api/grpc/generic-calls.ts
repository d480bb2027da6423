/**
 * Calls through the generic handler of connect. In place of its own adapter, which throws out of the server when a
 * path or authority makes no URL, writes to the console whenever a client leaves, and answers an unknown service with a
 * web page's 404.
 */
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { DescMessage } from '@bufbuild/protobuf'
import {
  Code,
  ConnectError,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type ConnectRouter,
} from '@connectrpc/connect'
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node'
import { AppError, isAppError } from '../../lib/app-error.ts'
import { emitFact } from '../../lib/facts.ts'
import { errorsInWords, toConnectError } from './call-errors.ts'
import { withHeldDeadline } from './deadline.ts'
import { peerKey, peerOf, peerOfSession, peerOver, type Peer } from './peer.ts'
import { changesSomething, refusalOf } from './service-access.ts'
import { refuse } from './unary-calls.ts'
import { ourWordsFor } from './unreadable.ts'

export interface GenericOptions {
  routes(router: ConnectRouter): void
  shutdown: AbortSignal
  /** Of a call that would change something, when no operation has noted it. Never rejects. */
  noteRefused(peer: Peer, path: string, error: AppError): Promise<void>
  /** A request that is not there by then holds its stream for nothing. */
  requestMs?: number
}

/** Of people's requests; what takes more says so where its service is registered. */
const mostRequestBytes = 4 * 1024 * 1024
/** Of answers: a claim with full specs. */
const mostAnswerBytes = 64 * 1024 * 1024

export type GiveStream = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  flags: number,
  raw: string[],
) => void

/** Whether the call came as far as its handler, which is asked by everything above for what became of it. */
const reached = createContextKey<{ handler: boolean }>({ handler: true })

export function createGenericCalls(options: GenericOptions): GiveStream {
  const note = async (peer: Peer, path: string, error: unknown): Promise<void> => {
    if (isAppError(error) && changesSomething(path)) await options.noteRefused(peer, path, error)
  }
  /** Machines have ports of their own, which note what matters there. */
  const notePerson = async (peer: Peer, path: string, error: unknown): Promise<void> => {
    if (peer.principal.role !== null) await note(peer, path, error)
  }
  const router = createConnectRouter({
    grpcWeb: false,
    connect: false,
    acceptCompression: [compressionGzip],
    // gzip of log bytes costs more than the socket: 43 against 136 MB/s.
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: mostRequestBytes,
    writeMaxBytes: mostAnswerBytes,
    shutdownSignal: options.shutdown,
    async requestGate(context) {
      const path = `/${context.service.typeName}/${context.method.name}`
      const peer = peerOf(context)
      const error = refusalOf(peer, path)
      if (error === undefined) return
      await note(peer, path, error)
      throw toConnectError(error, path)
    },
    interceptors: [
      errorsInWords,
      (next) => async (request) => {
        request.contextValues.get(reached).handler = true
        try {
          return await next(request)
        } catch (error) {
          const path = `/${request.service.typeName}/${request.method.name}`
          await notePerson(peerOf({ values: request.contextValues }), path, error)
          throw error
        }
      },
    ],
  })
  options.routes(router)
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]))

  const serve = async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    const { stream, url: path } = request
    const handler = handlers.get(path)
    if (handler === undefined) {
      return refuse(stream, new ConnectError(`there is no ${path.slice(0, 200)} here`, Code.Unimplemented))
    }
    const peer = peerOfSession(stream.session)
    const far = { handler: false }
    const values = createContextValues().set(peerKey, peer).set(reached, far)
    const asked = universalRequestFromNodeRequest(request, response, undefined, values)
    if (!/^(bidi|client)/.test(handler.method.methodKind)) expectRequest(stream, options.requestMs ?? 60_000)
    const answer = await handler({ ...asked, signal: untilPeerOver(asked.signal, stream) })
    if (!far.handler) await notePerson(peer, path, refusedUnread(answer.trailer, handler.method.input))
    await universalResponseToNodeResponse(answer, response)
  }

  // Never listens: it makes request and response objects of its streams.
  const server = http2.createServer((request, response) => {
    serve(request, response).catch((error: unknown) => leave(request.stream, error))
  })
  return (stream, headers, flags, raw) => {
    stream.on('error', () => {})
    // A turn later: one that is given up in the same breath (rapid reset) has cost nothing yet.
    setImmediate(() => {
      if (!stream.destroyed) server.emit('stream', stream, withHeldDeadline(headers), flags, raw)
    })
  }
}

/** Too large, not to be unpacked or no message at all: so says the status that the client gets, in our words. */
function refusedUnread(trailer: Headers | undefined, input: DescMessage): AppError | undefined {
  const ours = ourWordsFor(decodeURIComponent(trailer?.get('grpc-message') ?? ''), input)
  if (ours !== undefined) {
    trailer?.set('grpc-status', String(ours.code))
    trailer?.set('grpc-message', encodeURIComponent(ours.rawMessage))
  }
  const code = Number(trailer?.get('grpc-status') ?? Code.PermissionDenied)
  if (code === 0 || code === Code.PermissionDenied) return undefined // noted at the gate
  const words = decodeURIComponent(trailer?.get('grpc-message') ?? '')
  return new AppError(code === Code.ResourceExhausted ? 'resource_exhausted' : 'invalid_argument', words)
}

/** The signal of the call, which also ends with its peer's right to be here. */
function untilPeerOver(call: AbortSignal, stream: http2.ServerHttp2Stream): AbortSignal {
  const over = peerOver(stream.session)
  const either = new AbortController()
  const onCall = (): void => either.abort(call.reason)
  const onOver = (): void => either.abort(over.reason)
  call.addEventListener('abort', onCall)
  over.addEventListener('abort', onOver)
  stream.once('close', () => over.removeEventListener('abort', onOver))
  return either.signal
}

function expectRequest(stream: http2.ServerHttp2Stream, ms: number): void {
  const late = setTimeout(() => {
    if (!stream.readableEnded) stream.close(http2.constants.NGHTTP2_CANCEL)
  }, ms)
  stream.once('close', () => clearTimeout(late))
}

/** A client that has gone is nothing to tell; a request that no handler could read is refused. */
function leave(stream: http2.ServerHttp2Stream, error: unknown): void {
  if (stream.destroyed || stream.headersSent) return void stream.destroy()
  emitFact({ name: 'grpc_call.unreadable', level: 'debug', error: String(error) })
  refuse(stream, new ConnectError('the request makes no sense: see its path and headers', Code.InvalidArgument))
}
