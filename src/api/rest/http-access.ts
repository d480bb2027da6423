/**
 * Who is asking, decided before anything else of a request is looked at. Everything under the API prefix needs a
 * principal unless its route is on the exact allow-list; an unknown path is no exception.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../../access/authenticate.ts'
import { AppError } from '../../lib/app-error.ts'
import { apiPrefix } from '../contract/base.ts'
import { openRoutes } from '../contract/plain.ts'
import { HttpRefusal } from '../errors.ts'

const sessionCookie = 'runyard_session'

/** Over TLS browsers hold the cookie to this very host, whatever else is served on its name: `__Host-` says so. */
export const sessionCookieOf = ({ protocol }: FastifyRequest): string =>
  protocol === 'https' ? `__Host-${sessionCookie}` : sessionCookie

export interface Credentials {
  bearer?: string
  cookie?: string
}
export type Authenticate = (credentials: Credentials) => Promise<Principal>

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null
  }
}

export interface AccessOptions {
  authenticate: Authenticate
  /** Asked first, when an application embeds us; null: `authenticate` decides. */
  hostAuthenticate?: ((request: FastifyRequest) => Promise<Principal | null>) | undefined
  /** Other origins whose pages may call the API. */
  corsOrigins: readonly string[]
}

const changesNothing = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * `/metrics` is where scrapers look for it; in all else it is a part of the API. A page's address holds names, which may
 * be encoded (`/pipelines/a%20b`); one that reads as another path when it is decoded, once or again, is no page's.
 */
export const isApiPath = (url: string): boolean => {
  const raw = url.split('?', 1)[0] ?? ''
  const path = decodedPath(raw)
  return path === null || /^\/+(api|metrics)(\/|$)/i.test(path) || tricks.test(path) || /^\/[^/]*%|%2f/i.test(raw)
}

/** What another reader of paths would take for a border of a segment, a way up, a query or one more encoding. */
const tricks = /[%;\\?#\p{Cc}]|\/\/|\/\./u

function decodedPath(raw: string): string | null {
  try {
    return decodeURIComponent(raw)
  } catch {
    return null
  }
}

export function installAccess(app: FastifyInstance, options: AccessOptions): void {
  app.decorateRequest('principal', null)
  app.addHook('onRequest', async (request, reply) => {
    const foreign = foreignOrigin(request, options.corsOrigins)
    if (allowCors(request, reply, options.corsOrigins)) return reply
    if (isOpen(request)) {
      if (foreign && !changesNothing.has(request.method)) throw foreignRefusal()
      return undefined
    }
    if (!isApiPath(request.url)) return undefined
    const hosted = (await options.hostAuthenticate?.(request)) ?? null
    request.principal = hosted ?? (await options.authenticate(credentialsOf(request)))
    const byCookie = hosted === null ? request.headers.authorization === undefined : fromBrowser(request)
    // A browser sends the cookie for any page that asks; only our own pages may change things with it.
    const ownPage = request.headers.origin !== undefined && !foreign
    if (byCookie && !ownPage && (!changesNothing.has(request.method) || isUpgrade(request))) throw foreignRefusal()
    if (isUpgrade(request) && foreign) throw foreignRefusal()
    return undefined
  })
}

/** What an application's own sign-in goes by may be sent by a browser unasked; a program that is none sends none of these. */
function fromBrowser({ headers }: FastifyRequest): boolean {
  if (headers.authorization !== undefined) return false
  return headers.cookie !== undefined || headers.origin !== undefined || headers['sec-fetch-site'] !== undefined
}

const foreignRefusal = (): HttpRefusal =>
  new HttpRefusal(403, 'permission_denied', 'this request comes from a page of another origin')

const isUpgrade = (request: FastifyRequest): boolean => request.headers.upgrade?.toLowerCase() === 'websocket'

function isOpen(request: FastifyRequest): boolean {
  const method = request.method === 'HEAD' ? 'GET' : request.method
  // The registered pattern and the raw path must both be on the list: no decoding, no trailing slash, no case tricks.
  const raw = request.raw.url?.split('?', 1)[0] ?? ''
  return (
    openRoutes.includes(`${method} ${raw}`) &&
    openRoutes.includes(`${method} ${request.routeOptions.url ?? ''}`) &&
    raw.startsWith(apiPrefix)
  )
}

export function credentialsOf(request: FastifyRequest): Credentials {
  const header = request.headers.authorization
  if (header !== undefined) {
    const bearer = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(header)?.[1]
    if (bearer === undefined) throw new AppError('unauthenticated', 'send Authorization: Bearer <token>')
    return { bearer }
  }
  const cookie = request.cookies[sessionCookieOf(request)]
  if (cookie === undefined || cookie === '') {
    throw new AppError('unauthenticated', 'sign in first: send a token or the session cookie')
  }
  return { cookie }
}

/** Whether an Origin is there and is neither ours nor on the list. */
function foreignOrigin(request: FastifyRequest, corsOrigins: readonly string[]): boolean {
  const { origin } = request.headers
  if (origin === undefined) return false
  return origin !== `${request.protocol}://${request.host}` && !corsOrigins.includes(origin)
}

/** True when the request was a preflight and is answered. */
function allowCors(request: FastifyRequest, reply: FastifyReply, corsOrigins: readonly string[]): boolean {
  const { origin } = request.headers
  if (origin === undefined || !corsOrigins.includes(origin)) return false
  reply.headers({
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'retry-after, content-range, idempotency-replayed',
    vary: 'Origin',
  })
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false
  reply
    .headers({
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization, content-type, idempotency-key, range',
      'access-control-max-age': '600',
    })
    .code(204)
    .send()
  return true
}
