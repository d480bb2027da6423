/** What goes back over the socket of an attempt. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError, isAppError, type ErrorCode } from '../../lib/app-error.ts'
import { emitFact } from '../../lib/facts.ts'

const statusOf: Record<ErrorCode, number> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  conflict: 409,
  failed_precondition: 409,
  resource_exhausted: 429,
  unavailable: 503,
  deadline_exceeded: 504,
  internal: 500,
}

/** A body that is larger than it may be. */
export class TooLarge extends AppError {}

/** So long a body that nobody wants is still read, so that its sender gets to read the answer. */
const lingerMs = 2_000

export function answerJson(response: ServerResponse, value: unknown, status = 200): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

export function answerText(response: ServerResponse, text: string): void {
  const body = Buffer.from(text)
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length }).end(body)
}

export function answerNothing(response: ServerResponse): void {
  response.writeHead(204).end()
}

export function answerError(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  // A stream that broke off: its length tells the reader.
  if (response.headersSent) return void response.destroy()
  const error = isAppError(thrown) ? thrown : new AppError('internal', 'a defect of this runner', { cause: thrown })
  if (!isAppError(thrown) && !request.destroyed) {
    emitFact({ name: 'helper.trouble', level: 'error', reason: String(thrown) })
  }
  const { code, message, retryAfterSeconds = code === 'unavailable' ? 1 : undefined } = error
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', Math.max(1, Math.ceil(retryAfterSeconds)))
  const body = Buffer.from(`${JSON.stringify({ error: { code, message } })}\n`)
  const status = thrown instanceof TooLarge ? 413 : statusOf[code]
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
  if (request.complete) return void response.end(body)
  // Ended only behind the body: the end of an answer closes the connection, and its sender would see that alone.
  response.write(body)
  request.once('end', () => response.end()).resume()
  setTimeout(() => response.socket?.destroy(), lingerMs).unref()
}
