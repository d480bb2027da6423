/** The HTTP face: REST, raw logs, WebSocket, dashboard. One server, one error map, one place that asks who it is. */
import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import websocket from '@fastify/websocket'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { AppError } from '../../lib/app-error.ts'
import { emitFact } from '../../lib/facts.ts'
import type { Operations } from '../../operations/index.ts'
import { HttpRefusal, isTooLarge, toAppError, toHttpProblem, tooLarge } from '../errors.ts'
import { installAccess, isApiPath, type AccessOptions, type Authenticate } from './http-access.ts'
import { parseJsonBody } from './json-body.ts'
import { installAuditRoute } from './audit-route.ts'
import { installEventPayloadRoutes } from './event-payload-route.ts'
import { installLive } from './live.ts'
import { installArtifactRoute } from './artifact-route.ts'
import { installHookRoute } from './hook-route.ts'
import { installLogRoute } from './log-route.ts'
import { installMetricsRoute } from './metrics-route.ts'
import { openApiDocument } from './openapi.ts'
import { askOf, installContractRoutes, type WhileThere } from './contract-routes.ts'
import { installRequestLimit } from './request-limit.ts'
import { installTerminalRoute } from './terminal-route.ts'
import { installTokenRoute } from './token-route.ts'
import { installWeb } from './web.ts'
import { apiPrefix } from '../contract/base.ts'

export interface HttpOptions {
  operations: Operations
  authenticate: Authenticate
  hostAuthenticate?: AccessOptions['hostAuthenticate']
  /** Runs what needs the database; refuses with `unavailable` in time when it is away. */
  whileThere: WhileThere
  version: string
  bodyLimitBytes: number
  corsOrigins: readonly string[]
  trustProxy: boolean
  /** Of one principal; 0 is no limit. */
  requestsPerMinute: number
  /** Folder of the built dashboard. */
  webRoot: string
}

export interface RouteRow {
  method: string
  url: string
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Every registered route, for the tests that walk all of them. */
    routeTable: RouteRow[]
  }
}

export async function createHttpApp(options: HttpOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes,
    trustProxy: options.trustProxy,
    // A slow body may take this long; slow headers are cut by Node after 60 s.
    requestTimeout: 120_000,
    forceCloseConnections: true,
    genReqId: () => crypto.randomUUID(),
    routerOptions: { maxParamLength: 256 },
  })
  const table: RouteRow[] = []
  app.decorate('routeTable', table)
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) table.push({ method, url: route.url })
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
        throw new HttpRefusal(415, 'invalid_argument', 'send the body without content-encoding')
      }
      done(null, parseJsonBody(body as Buffer))
    } catch (error) {
      done(error as Error)
    }
  })

  app.setErrorHandler(async (thrown, request, reply) => {
    const error = isTooLarge(thrown) ? tooLarge(request.routeOptions.bodyLimit ?? options.bodyLimitBytes) : thrown
    const problem = toHttpProblem(error, request.id, scopesOf(request))
    if (problem.unexpected) reportDefect(error, request)
    await options.operations
      .noteRefusal(askOf(request), requestName(request), toAppError(error))
      .catch((failure: unknown) => {
        emitFact({ name: 'audit.failed', level: 'error', error: String(failure) })
      })
    return reply.code(problem.status).headers(problem.headers).type('application/problem+json').send(problem.body)
  })

  await app.register(cookie)
  await app.register(helmet, {
    strictTransportSecurity: false,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // What radix and sonner would place as style elements is kept out by web/build/strict-styles.ts.
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    crossOriginEmbedderPolicy: false,
  })
  await app.register(rateLimit, { global: false })
  await app.register(websocket, {
    options: { maxPayload: 64 * 1024, perMessageDeflate: false },
    // Sockets are closed by live.ts with a reason; the plugin would wait for their peers.
    preClose: (done) => done(),
  })
  installAccess(app, options)
  installRequestLimit(app, options.requestsPerMinute)
  app.addHook('onSend', async (request, reply) => {
    if (isApiPath(request.url) && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })

  installContractRoutes(app, options)
  installTokenRoute(app, options)
  installLogRoute(app, options)
  installArtifactRoute(app, options)
  installHookRoute(app, options)
  installEventPayloadRoutes(app, options)
  installAuditRoute(app, options)
  installMetricsRoute(app, options)
  installLive(app, options)
  installTerminalRoute(app, options)
  const document = await openApiDocument(options.version)
  app.get(`${apiPrefix}/openapi.json`, () => document)
  await installWeb(app, options.webRoot, table)
  return app
}

const scopesOf = ({ principal }: FastifyRequest): readonly string[] | undefined =>
  principal !== null && 'scopes' in principal ? principal.scopes : undefined

const requestName = (request: FastifyRequest): string => `${request.method} ${request.routeOptions.url ?? '(no route)'}`

function reportDefect(error: unknown, request: FastifyRequest): void {
  const cause = error instanceof AppError && error.cause !== undefined ? error.cause : error
  emitFact({
    name: 'request.failed',
    level: 'error',
    request_id: request.id,
    route: requestName(request),
    error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
  })
}
