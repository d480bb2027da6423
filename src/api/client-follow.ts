/** Follows a log over the WebSocket and comes back after a broken link at the byte where it stopped. */
import { WebSocket } from 'ws'
import { AppError, errorCodes } from '../lib/app-error.ts'
import { apiPrefix } from './contract/base.ts'
import { createFollowRetries, type OnAway } from './client-retries.ts'
import type { ClientMessage, ServerMessage } from './contract/live.ts'

export interface FollowRequest {
  jobId: string
  /** Missing: the newest attempt and all after it, until the job ends. */
  attempt?: number
  /** With `attempt`: go on with the attempts after it until the job ends. */
  onward?: boolean
  stream?: 'stdout' | 'stderr' | 'all'
  offset?: number
}

export type FollowEvent =
  | { type: 'log'; attempt: number; stream: 'stdout' | 'stderr' | 'mark'; offset: number; time: number; bytes: Buffer }
  | { type: 'end'; attempt: number | null; state: string }

/** Once this many messages wait for the reader, the socket is no longer read and TCP stops the server. */
const highWater = 16

export interface FollowedServer {
  baseUrl: string
  token?: string
  /** It has answered something: what fails now is worth trying again. */
  met: boolean
}

export async function* followLog(
  server: FollowedServer,
  request: FollowRequest,
  signal?: AbortSignal,
  onAway?: OnAway,
): AsyncGenerator<FollowEvent> {
  const wanted = { ...request, offset: request.offset ?? 0 }
  const retries = createFollowRetries(onAway)
  for (;;) {
    try {
      retries.asking()
      for await (const message of subscription(server, subscribe(wanted), signal)) {
        retries.heard()
        if (message.type === 'log_end') {
          yield { type: 'end', attempt: message.attempt, state: message.state }
          return
        }
        if (message.type !== 'log') continue
        const bytes = Buffer.from(message.data, 'base64')
        if (wanted.attempt === undefined) wanted.onward = true
        wanted.attempt = message.attempt
        wanted.offset = message.offset + (message.stream === 'mark' ? 0 : bytes.length)
        const { attempt, stream, offset, time } = message
        yield { type: 'log', attempt, stream, offset, time, bytes }
      }
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error
      if (!server.met) throw noServer(server.baseUrl, error)
      if (!retries.mayGoOn()) throw error
    }
    signal?.throwIfAborted()
    await retries.pause()
  }
}

export const noServer = (baseUrl: string, cause: unknown): AppError =>
  new AppError('unavailable', `no Runyard server answers at ${baseUrl}`, { cause, retryAfterSeconds: 1 })

class LinkBroken extends AppError {
  constructor(cause?: unknown) {
    super('unavailable', 'the connection to the server broke', { cause, retryAfterSeconds: 1 })
  }
}

function subscribe(wanted: FollowRequest): ClientMessage {
  return {
    type: 'subscribe',
    id: 'log',
    topic: 'log',
    job_id: wanted.jobId,
    ...(wanted.attempt === undefined ? {} : { attempt: wanted.attempt, onward: wanted.onward ?? false }),
    stream: wanted.stream ?? 'all',
    offset: wanted.offset ?? 0,
  }
}

async function* subscription(
  server: FollowedServer,
  message: ClientMessage,
  signal?: AbortSignal,
): AsyncGenerator<ServerMessage> {
  signal?.throwIfAborted()
  const url = new URL(`${apiPrefix}/ws`, server.baseUrl)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const headers = server.token === undefined ? {} : { authorization: `Bearer ${server.token}` }
  const socket = new WebSocket(url, { headers, perMessageDeflate: false, handshakeTimeout: 10_000 })
  const waiting: ServerMessage[] = []
  let failure: unknown
  let closed = false
  let wake = (): void => {}
  const end = (error?: unknown): void => {
    failure ??= error
    closed = true
    wake()
  }
  socket.on('open', () => {
    server.met = true
    socket.send(JSON.stringify(message))
  })
  socket.on('message', (data: Buffer) => {
    waiting.push(JSON.parse(data.toString()) as ServerMessage)
    if (waiting.length >= highWater) socket.pause()
    wake()
  })
  socket.on('unexpected-response', (_request, response) => {
    server.met = true
    response.resume()
    end(refused(response.statusCode ?? 0))
    socket.terminate()
  })
  socket.on('error', (error) => end(new LinkBroken(error)))
  socket.on('close', () => end(new LinkBroken()))
  const abort = (): void => socket.terminate()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    for (;;) {
      const next = waiting.shift()
      if (next !== undefined) {
        if (waiting.length < highWater / 2) socket.resume()
        if (next.type === 'error' && next.code === 'unavailable') throw new LinkBroken()
        if (next.type === 'error')
          throw new AppError(errorCodes.find((c) => c === next.code) ?? 'internal', next.message)
        yield next
        continue
      }
      signal?.throwIfAborted()
      if (closed) throw failure
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    socket.terminate()
  }
}

function refused(status: number): AppError {
  if (status === 401) return new AppError('unauthenticated', 'sign in first: the token is missing, wrong or expired')
  if (status === 403) return new AppError('permission_denied', 'the server refused this connection')
  return new LinkBroken(new Error(`the server answered ${status}`))
}
