/**
 * The frequent calls of a runner, straight from the HTTP/2 stream. The generic handler builds requests, headers, abort
 * controllers and four layers of iterables for each call, about 0.7 ms of CPU; under load that is more than a job may
 * cost. Everything else, and every other kind of client, still goes through it.
 */
import {
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import { Code, ConnectError, type ContextValues } from '@connectrpc/connect'
import { passedOn } from '../../lib/young-buffers.ts'
import { contextValuesOfSession } from './peer.ts'
import { notSuchMessage, tooLarge } from './unreadable.ts'

/** The part of a generic handler's context that these calls use: `values` say who is at the other end. */
export interface CallContext {
  signal: AbortSignal
  values: ContextValues
}

export interface UnaryCall {
  path: string
  answer(message: Buffer, context: CallContext): Promise<Uint8Array>
}

export function unaryCall<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  run: (request: MessageShape<I>, context: CallContext) => Promise<MessageInitShape<O>>,
): UnaryCall {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    async answer(message, context) {
      const answer = await run(read(method.input, message), context)
      return toBinary(method.output, create(method.output, answer))
    },
  }
}

function read<I extends DescMessage>(input: I, message: Buffer): MessageShape<I> {
  try {
    return fromBinary(input, message)
  } catch (error) {
    throw notSuchMessage(input, String(error))
  }
}

export interface UnaryOptions {
  /** Of a request. */
  mostBytes: number
  shutdown: AbortSignal
  /** Asked before a byte of the request is read. */
  refusal(stream: ServerHttp2Stream, path: string): ConnectError | undefined
  /** Words for the caller, whatever was thrown. */
  toConnectError(error: unknown, path: string): ConnectError
}

/** A batch of log chunks, or a report with a short log. */
export const mostRunnerMessageBytes = 64 * 1024 * 1024

/** What the messages on their way to us say that they have: five bytes of a stream must not reserve 64 MiB without end. */
const promisedBytes = new WeakMap<Http2Session, number>()
const mostPromisedBytes = 256 * 1024 * 1024

/** Node reads a socket into buffers of this size and keeps a copy of what came; both are garbage afterwards. */
const socketRead = 64 * 1024

const contentType = 'application/grpc+proto'
const began: OutgoingHttpHeaders = { ':status': 200, 'content-type': contentType }
/** A flag (not compressed) and the length. */
const prefixBytes = 5

/** Whether the stream was one of these calls and is taken care of. */
export type TakeStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean

export function createUnaryCalls(calls: readonly UnaryCall[], options: UnaryOptions): TakeStream {
  const byPath = new Map(calls.map((call) => [call.path, call]))
  const pool = createPool()
  return (stream, headers) => {
    const call = byPath.get(headers[':path'] ?? '')
    const plain = headers['grpc-encoding'] === undefined || headers['grpc-encoding'] === 'identity'
    if (call === undefined || !plain || headers['content-type']?.startsWith('application/grpc') !== true) return false
    const refusal = options.refusal(stream, call.path)
    if (refusal === undefined) serve(stream, call, options, pool)
    else refuse(stream, refusal)
    return true
  }
}

function serve(stream: ServerHttp2Stream, call: UnaryCall, options: UnaryOptions, pool: Pool): void {
  let message: Buffer | undefined
  let head: Buffer = Buffer.alloc(0)
  let received = 0
  let read: ArrayBufferLike | undefined
  stream.on('error', () => {}) // the peer is gone; `close` follows
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (chunk.buffer !== read) passedOn(socketRead + chunk.buffer.byteLength)
    read = chunk.buffer
    if (message === undefined) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
      if (head.length < prefixBytes) return
      const length = head.readUInt32BE(1)
      if (length > options.mostBytes) {
        return refuse(stream, tooLarge(options.mostBytes))
      }
      const session = stream.session
      if (session === undefined) return
      const promised = (promisedBytes.get(session) ?? 0) + length
      if (promised > mostPromisedBytes) {
        return refuse(stream, new ConnectError('too many large messages at once', Code.ResourceExhausted))
      }
      promisedBytes.set(session, promised)
      stream.once('close', () => promisedBytes.set(session, (promisedBytes.get(session) ?? 0) - length))
      message = pool.take(length)
      head.copy(message, 0, prefixBytes)
    } else chunk.copy(message, received - chunk.length - prefixBytes)
  })
  stream.on('end', () => {
    if (message === undefined || head[0] !== 0 || received !== prefixBytes + message.length) {
      return refuse(stream, new ConnectError('not one plain message', Code.InvalidArgument))
    }
    const given = message
    void run(stream, call, given, options).finally(() => pool.give(given))
  })
}

/**
 * Room for requests, used again: log bytes at full speed would otherwise be garbage at full speed. What a call answers
 * was answered after it had copied or written what it keeps.
 */
interface Pool {
  take(length: number): Buffer
  give(buffer: Buffer): void
}

const leastPooled = 64 * 1024
const mostPooled = 4 * 1024 * 1024

function createPool(): Pool {
  let idle: ArrayBuffer[] = []
  return {
    take(length) {
      if (length < leastPooled || length > mostPooled) return Buffer.allocUnsafe(length)
      const found = idle.find((one) => one.byteLength >= length)
      if (found) idle = idle.filter((one) => one !== found)
      const bytes = found ?? new ArrayBuffer(Math.max(1024 * 1024, 2 ** Math.ceil(Math.log2(length))))
      return Buffer.from(bytes, 0, length)
    },
    give({ buffer, length }) {
      if (length >= leastPooled && length <= mostPooled && idle.length < 4) idle.push(buffer as ArrayBuffer)
    },
  }
}

async function run(stream: ServerHttp2Stream, call: UnaryCall, message: Buffer, options: UnaryOptions): Promise<void> {
  const gone = new AbortController()
  const stop = (): void => gone.abort(reasonToStop)
  stream.on('close', stop)
  options.shutdown.addEventListener('abort', stop)
  if (options.shutdown.aborted) stop()
  try {
    const values = contextValuesOfSession(stream.session)
    const answer = await call.answer(message, { signal: gone.signal, values })
    if (!stream.destroyed && !stream.headersSent) send(stream, answer)
  } catch (error) {
    refuse(stream, options.toConnectError(error, call.path))
  } finally {
    stream.off('close', stop)
    options.shutdown.removeEventListener('abort', stop)
  }
}

/** Made once: an abort without a reason makes an error with its stack each time. */
const reasonToStop = new ConnectError('the call is over', Code.Canceled)

function send(stream: ServerHttp2Stream, message: Uint8Array): void {
  const prefix = Buffer.alloc(prefixBytes)
  prefix.writeUInt32BE(message.length, 1)
  stream.respond(began, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(Buffer.concat([prefix, message]))
}

/** How long somebody who was refused may still be sending. */
const lastBytesMs = 5_000

export function refuse(stream: ServerHttp2Stream, error: ConnectError): void {
  if (stream.destroyed || stream.headersSent) return
  stream.on('error', () => {})
  const status = { 'grpc-status': String(error.code), 'grpc-message': encodeURIComponent(error.rawMessage) }
  stream.respond({ ...began, ...status }, { endStream: true })
  stream.resume()
  const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), lastBytesMs)
  stream.once('close', () => clearTimeout(late))
}
