/**
 * One unary gRPC call on a session that is already there. The generic client builds streams, header objects and abort
 * controllers for each call, half a millisecond of CPU; a runner under load makes hundreds of calls in a second.
 */
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import type { Sessions } from './sessions.ts'

export interface UnaryOptions {
  timeoutMs: number
  signal?: AbortSignal
}

export interface Unary {
  <I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    message: MessageInitShape<I>,
    options: UnaryOptions,
  ): Promise<MessageShape<O>>
  /** The request is encoded already, in pieces that keep still until the answer is there. */
  encoded<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    message: readonly Uint8Array[],
    options: UnaryOptions,
  ): Promise<MessageShape<O>>
}

const headers: OutgoingHttpHeaders = { 'content-type': 'application/grpc+proto', te: 'trailers' }
/** A flag (not compressed) and the length. */
const prefixBytes = 5

export function createUnary(sessions: Pick<Sessions, 'request'>): Unary {
  const encoded: Unary['encoded'] = (method, message, { timeoutMs, signal }) => {
    const length = message.reduce((sum, piece) => sum + piece.length, 0)
    return new Promise((resolve, reject) => {
      let stream: ClientHttp2Stream | undefined
      let settled = false
      const settle = (answer: Buffer | Failure) => {
        if (settled) return
        settled = true
        clearTimeout(deadline)
        signal?.removeEventListener('abort', onAbort)
        if (Buffer.isBuffer(answer)) return resolve(fromBinary(method.output, answer))
        stream?.close(constants.NGHTTP2_CANCEL)
        reject(answer.cause instanceof ConnectError ? answer.cause : new ConnectError(answer.what, answer.code))
      }
      const onDeadline = () => settle({ what: 'no answer in time', code: Code.DeadlineExceeded })
      const onAbort = () => settle({ what: 'given up', code: Code.Canceled })
      const deadline = setTimeout(onDeadline, timeoutMs)
      if (signal?.aborted) return onAbort()
      signal?.addEventListener('abort', onAbort)
      sessions.request('POST', `/${method.parent.typeName}/${method.name}`, headers, {}).then(
        (opened) => {
          stream = opened
          if (settled) return opened.close(constants.NGHTTP2_CANCEL)
          readAnswer(opened, settle)
          opened.cork()
          opened.write(prefix(length))
          for (const piece of message) opened.write(piece)
          opened.end()
        },
        (cause: unknown) => settle(failed(cause)),
      )
    })
  }
  const plain = <I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    message: MessageInitShape<I>,
    options: UnaryOptions,
  ): Promise<MessageShape<O>> => encoded(method, [toBinary(method.input, create(method.input, message))], options)
  return Object.assign(plain, { encoded })
}

/** An error object, with its stack, is made only for a call that failed: streams also close after an answer. */
interface Failure {
  what: string
  code: Code
  cause?: unknown
}

function failed(error: unknown): Failure {
  const cause = ConnectError.from(error, Code.Unavailable)
  return { what: cause.rawMessage, code: cause.code, cause }
}

function prefix(length: number): Buffer {
  const bytes = Buffer.alloc(prefixBytes)
  bytes.writeUInt32BE(length, 1)
  return bytes
}

function readAnswer(stream: ClientHttp2Stream, settle: (answer: Buffer | Failure) => void): void {
  const chunks: Buffer[] = []
  let status: IncomingHttpHeaders | undefined
  // An error without a body stands in the headers, everything else in the trailers.
  stream.on('response', (found) => {
    if (found[':status'] !== 200) settle({ what: `HTTP status ${found[':status']}`, code: Code.Unavailable })
    else if ('grpc-status' in found) status = found
  })
  stream.on('trailers', (found) => (status = found))
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', (error) => settle(failed(error)))
  stream.on('end', () => {
    if (status?.['grpc-status'] === '0') settle(messageIn(chunks))
    else if (status !== undefined) settle(refusal(status))
  })
  stream.on('close', () => settle({ what: 'the link was cut', code: Code.Unavailable }))
}

function messageIn(chunks: Buffer[]): Buffer {
  const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  return bytes.subarray(prefixBytes, prefixBytes + bytes.readUInt32BE(1))
}

function refusal(status: IncomingHttpHeaders): Failure {
  const code = Number(status['grpc-status'])
  const message = status['grpc-message']
  const text = typeof message === 'string' ? decodeURIComponent(message) : 'refused'
  return { what: text, code: code in Code ? (code as Code) : Code.Internal }
}
