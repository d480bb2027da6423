/**
 * How many requests one principal may make in a minute, so that a loop that ran away does not take the server from all
 * others. Counted by each server for itself. Not counted: this machine's own command line and runner (loopback), raw
 * logs, which are bytes rather than questions, and the WebSocket, whose messages have limits of their own.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError } from '../../lib/app-error.ts'
import { apiPrefix } from '../contract/base.ts'

const windowMs = 60_000
const uncounted = new Set([`${apiPrefix}/ws`, `${apiPrefix}/jobs/:id/logs`])

/** To be installed after the question who asks. 0: no limit. */
export function installRequestLimit(app: FastifyInstance, perMinute: number): void {
  if (perMinute === 0) return
  const count = app.createRateLimit({ max: perMinute, timeWindow: windowMs, keyGenerator: askerOf })
  app.addHook('onRequest', async (request) => {
    if (request.principal === null || isLoopback(request.ip) || uncounted.has(request.routeOptions.url ?? '')) return
    const answer = await count(request)
    if (answer.isAllowed || !answer.isExceeded) return
    throw new AppError(
      'resource_exhausted',
      `you may make ${perMinute} requests in a minute: wait ${answer.ttlInSeconds} s, send many jobs in one request, or follow changes over the WebSocket`,
      { retryAfterSeconds: answer.ttlInSeconds },
    )
  })
}

/** The account, however it came in: more tokens are not more requests. */
const askerOf = ({ principal }: FastifyRequest): string =>
  principal?.userId ?? `${principal?.kind} ${principal?.username}`

/** `::ffff:127.0.0.1` is what a socket for both families says. */
const isLoopback = (address: string): boolean => /^(::ffff:)?127\.|^::1$/.test(address)
