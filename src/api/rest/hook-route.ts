/**
 * The door of inbound webhooks, beside the API: its address and the signature are all that lets anybody in. The body is
 * taken as it comes, whatever its type: the signature is over these bytes.
 */
import type { FastifyInstance } from 'fastify'
import { AppError } from '../../lib/app-error.ts'
import { emitFact } from '../../lib/facts.ts'
import { HttpRefusal, isTooLarge, tooLarge } from '../errors.ts'
import { askOf, type RouteOptions } from './contract-routes.ts'

const bodyLimit = 1024 * 1024
/** Of one address on the net, for all webhooks together: each is a look into the database. */
const perMinute = 6000

export function installHookRoute(app: FastifyInstance, { operations, whileThere }: RouteOptions): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body))
    scope.route({
      method: 'POST',
      url: '/hooks/:key',
      bodyLimit,
      config: { rateLimit: { max: perMinute, timeWindow: 60_000 } },
      async handler(request, reply) {
        const { headers } = request
        if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
          throw new HttpRefusal(415, 'invalid_argument', 'send the body without content-encoding')
        }
        const incoming = {
          ...{ key: (request.params as { key: string }).key, headers },
          type: (headers['content-type'] ?? 'application/octet-stream').slice(0, 200),
          body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        }
        const taken = await whileThere(() => operations.takeDelivery(askOf(request), incoming))
        reply.header('cache-control', 'no-store')
        if (!('refused' in taken)) return reply.code(taken.run_id === null ? 200 : 202).send(taken)
        reply.raw.once('close', () => {
          taken.note().catch((error: unknown) => {
            emitFact({ name: 'webhook.not_noted', level: 'warn', error: String(error) })
          })
        })
        throw new AppError('unauthenticated', 'there is no such webhook, or the delivery is not signed as it must be')
      },
      errorHandler(error, request, reply) {
        return app.errorHandler(isTooLarge(error) ? (tooLarge(bodyLimit) as typeof error) : error, request, reply)
      },
    })
  })
}
