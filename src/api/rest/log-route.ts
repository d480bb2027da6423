/** Raw bytes of a log. Never rendered by a browser: nosniff, sandboxed, and an attachment unless asked otherwise. */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import * as z from 'zod'
import { apiPrefix, publicId, queryFlag, queryInt } from '../contract/base.ts'
import { logStreams } from '../contract/live.ts'
import { fieldsRefused } from '../errors.ts'
import { problemsOf } from '../../lib/issue-fields.ts'
import type { ZodIssue } from '../../lib/issue-words.ts'
import { byteRange } from './byte-range.ts'
import { askOf, type RouteOptions } from './contract-routes.ts'

const query = z.strictObject({
  stream: z.enum(logStreams).default('all'),
  attempt: queryInt(1, 1_000_000).optional(),
  download: queryFlag.optional(),
})
const params = z.object({ id: publicId })

export function installLogRoute(app: FastifyInstance, { operations, whileThere }: RouteOptions): void {
  app.get(`${apiPrefix}/jobs/:id/logs`, async (request, reply) => {
    const { id } = checkInput(params, request.params)
    const { stream, attempt, download } = checkInput(query, request.query)
    const log = await whileThere(() => operations.openLog(askOf(request), { jobId: id, attempt, stream }))
    const range = byteRange(request.headers.range, log.size)
    const name = `${id}${log.attempt === null ? '' : `.${log.attempt}`}.${stream}.log`
    reply.headers({
      'accept-ranges': 'bytes',
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      'content-disposition': `${download === false ? 'inline' : 'attachment'}; filename="${name}"`,
    })
    if (range.kind === 'unsatisfiable') return unsatisfiable(reply, log.size)
    const [start, end] = range.kind === 'part' ? [range.start, range.end] : [0, log.size]
    if (range.kind === 'part') reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${log.size}`)
    reply.header('content-length', end - start)
    const bytes = request.method === 'HEAD' ? [] : log.bytes(start, end)
    return reply.send(Readable.from(bytes, { objectMode: false, highWaterMark: 256 * 1024 }))
  })
}

function unsatisfiable(reply: FastifyReply, size: number) {
  const body = {
    type: 'about:blank',
    title: 'invalid_argument',
    status: 416,
    detail: `the log has ${size} bytes`,
    errors: [],
  }
  return reply
    .code(416)
    .header('content-range', `bytes */${size}`)
    .removeHeader('content-disposition')
    .type('application/problem+json')
    .send(body)
}

export function checkInput<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw fieldsRefused(problemsOf(parsed.error.issues as ZodIssue[]))
}
