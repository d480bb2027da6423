/** OAuth2 password grant (RFC 6749 §4.3): the only route that takes a form, and it sets no cookie. */
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { apiPrefix } from '../contract/base.ts'
import { fieldsRefused, HttpRefusal, isTooLarge, tooLarge } from '../errors.ts'
import { problemsOf } from '../../lib/issue-fields.ts'
import type { ZodIssue } from '../../lib/issue-words.ts'
import { askOf, type RouteOptions } from './contract-routes.ts'

const bodyLimit = 16 * 1024

const grant = z.object({
  grant_type: z.literal('password', 'must be "password"'),
  username: z.string('is required').min(1, 'must not be empty').max(200),
  password: z.string('is required').min(1, 'must not be empty').max(1024),
})

export function installTokenRoute(app: FastifyInstance, { operations, whileThere }: RouteOptions): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit },
      (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    )
    scope.route({
      method: 'POST',
      url: `${apiPrefix}/auth/token`,
      config: { rateLimit: { max: 60, timeWindow: 60_000 } },
      async handler(request) {
        if (request.body === undefined || request.body === null) {
          throw new HttpRefusal(415, 'invalid_argument', 'send the grant as application/x-www-form-urlencoded')
        }
        const parsed = grant.safeParse(request.body)
        if (!parsed.success) {
          throw fieldsRefused(problemsOf(parsed.error.issues as ZodIssue[]))
        }
        const signIn = () => operations.signIn(askOf(request), parsed.data)
        const { token, expiresInSeconds } = await whileThere(signIn)
        return { access_token: token, token_type: 'bearer', expires_in: expiresInSeconds }
      },
      // 415 here names the one content type that this route takes.
      errorHandler(error, request, reply) {
        const wrongType = error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
        const shown = wrongType
          ? new HttpRefusal(415, 'invalid_argument', 'send the grant as application/x-www-form-urlencoded')
          : isTooLarge(error)
            ? tooLarge(bodyLimit)
            : error
        return app.errorHandler(shown as typeof error, request, reply)
      },
    })
  })
}
