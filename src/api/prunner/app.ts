/**
 * prunner's HTTP interface on a listener of its own: six routes, its payloads, statuses and error shape. A translation of
 * the same operations; its tokens hold here and nowhere else, and ours do not hold here.
 */
import cookie from '@fastify/cookie'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { AppError, type ErrorCode } from '../../lib/app-error.ts'
import { emitFact } from '../../lib/facts.ts'
import type { HostAppAsk } from '../../operations/prunner.ts'
import { isTooLarge, toAppError } from '../errors.ts'
import { parseJsonBody, RefusedBody } from '../rest/json-body.ts'
import type { WhileThere } from '../rest/contract-routes.ts'
import { prunnerDocument } from './document.ts'
import { installPrunnerRoutes, type PrunnerOperations } from './routes.ts'

export interface PrunnerAppOptions {
  operations: PrunnerOperations
  /** Of a token; throws `unauthenticated`. */
  authenticate(token: string): Promise<Pick<HostAppAsk, 'principal' | 'label'>>
  whileThere: WhileThere
  version: string
  bodyLimitBytes: number
  corsOrigins: readonly string[]
}

/** prunner says 400 to whatever is wrong with a request. */
const statusOf: Record<ErrorCode, number> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  conflict: 400,
  failed_precondition: 400,
  resource_exhausted: 400,
  unavailable: 503,
  deadline_exceeded: 504,
  internal: 500,
}

declare module 'fastify' {
  interface FastifyRequest {
    hostApp: HostAppAsk | null
  }
}

export async function createPrunnerApp(options: PrunnerAppOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: 120_000,
    forceCloseConnections: true,
    genReqId: () => crypto.randomUUID(),
  })
  app.decorateRequest('hostApp', null)
  // PHP clients name no content type, or one of their own: a body is JSON or refused.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      const parsed = parseJsonBody(body as Buffer)
      if (parsed instanceof RefusedBody) throw new AppError('invalid_argument', parsed.problems[0]!.message)
      done(null, parsed)
    } catch (error) {
      done(error as Error)
    }
  })
  app.setErrorHandler((thrown, request, reply) => sendError(thrown, request, reply))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'there is no such route' }))
  await app.register(cookie)
  app.addHook('onRequest', (request, reply) => admit(request, reply, options))
  app.addHook('onSend', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  })
  installPrunnerRoutes(app, options)
  const document = await prunnerDocument(options.version)
  app.get('/openapi.json', () => document)
  return app
}

/** Every path but the description of this interface asks for a token; a browser's cookie also for its own origin. */
async function admit(request: FastifyRequest, reply: FastifyReply, options: PrunnerAppOptions): Promise<unknown> {
  const { origin } = request.headers
  const known = origin !== undefined && options.corsOrigins.includes(origin)
  if (known) {
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
    })
    if (request.method === 'OPTIONS') return preflight(reply)
  }
  if (request.url === '/openapi.json') return
  const header = request.headers.authorization
  const fromCookie = header === undefined
  const token = fromCookie ? request.cookies.jwt : /^Bearer +(\S+)$/i.exec(header)?.[1]
  if (token === undefined) throw new AppError('unauthenticated', 'send a token: Authorization: Bearer …')
  if (fromCookie && origin !== undefined && !known && origin !== `http://${request.host}`) {
    throw new AppError('permission_denied', `pages of ${origin} may not use this (RUNYARD_PRUNNER_CORS_ORIGINS)`)
  }
  const caller = await options.whileThere(() => options.authenticate(token))
  request.hostApp = { ...caller, address: request.ip, requestId: request.id }
}

const preflight = (reply: FastifyReply): unknown =>
  reply
    .headers({
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization, content-type',
      'access-control-max-age': '600',
    })
    .code(204)
    .send()

function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
  if (isTooLarge(thrown)) return reply.code(413).send({ error: 'the body is too large' })
  const error = toAppError(thrown)
  const status = statusOf[error.code]
  if (error.code !== 'internal') return reply.code(status).send({ error: error.message })
  const cause = error.cause ?? error
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
  emitFact({ name: 'request.failed', level: 'error', request_id: request.id, route: request.url, error: text })
  return reply.code(500).send({ error: 'a defect of the server; its log has the details' })
}
