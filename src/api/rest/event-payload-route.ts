/** What runs of events were given and gave, byte by byte. Of a script's making: never rendered by a browser. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { apiPrefix, publicId } from '../contract/base.ts'
import { attachment } from './attachment.ts'
import { byteRange } from './byte-range.ts'
import { askOf, type RouteOptions } from './contract-routes.ts'
import { checkInput } from './log-route.ts'

const params = z.object({ id: publicId })

export function installEventPayloadRoutes(app: FastifyInstance, { operations, whileThere }: RouteOptions): void {
  for (const which of ['input', 'output'] as const) {
    app.get(`${apiPrefix}/event-runs/:id/${which}`, async (request, reply) => {
      const { id } = checkInput(params, request.params)
      const found = await whileThere(() => operations.openEventPayload(askOf(request), { id, which }))
      reply.headers({
        'accept-ranges': 'bytes',
        'content-type': plainType(found.type),
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
        'content-disposition': attachment(`${id}-${which}${suffixOf(found.type)}`),
      })
      const range = byteRange(request.headers.range, found.bytes)
      if (range.kind === 'unsatisfiable') {
        const detail = `the ${which} has ${found.bytes} bytes`
        reply.code(416).header('content-range', `bytes */${found.bytes}`).removeHeader('content-disposition')
        return reply
          .type('application/problem+json')
          .send({ type: 'about:blank', title: 'invalid_argument', status: 416, detail, errors: [] })
      }
      const [start, end] = range.kind === 'part' ? [range.start, range.end] : [0, found.bytes]
      if (range.kind === 'part') reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${found.bytes}`)
      reply.header('content-length', end - start)
      const bytes = request.method === 'HEAD' ? [] : found.read(start, end)
      return reply.send(Readable.from(bytes, { objectMode: false, highWaterMark: 256 * 1024 }))
    })
  }
}

/** Whatever a script called it, only a well-formed type goes into a header. */
const plainType = (type: string): string =>
  /^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}(; ?charset=[\w-]{1,40})?$/.test(type) ? type : 'application/octet-stream'

const suffixOf = (type: string): string =>
  /^application\/([\w.+-]+\+)?json\b/.test(type) ? '.json' : type.startsWith('text/') ? '.txt' : ''
