/** The bytes of an artefact. Never rendered by a browser: nosniff, sandboxed, an attachment, of no type of its own. */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import * as z from 'zod'
import { isArtifactName } from '../../job/artifacts.ts'
import { AppError } from '../../lib/app-error.ts'
import { apiPrefix, publicId, queryInt } from '../contract/base.ts'
import { attachment } from './attachment.ts'
import { byteRange } from './byte-range.ts'
import { askOf, type RouteOptions } from './contract-routes.ts'
import { checkInput } from './log-route.ts'

const query = z.strictObject({ attempt: queryInt(1, 1_000_000).optional() })
const params = z.object({ id: publicId, '*': z.string() })

export function installArtifactRoute(app: FastifyInstance, { operations, whileThere }: RouteOptions): void {
  app.get(`${apiPrefix}/jobs/:id/artifacts/*`, async (request, reply) => {
    const { id, '*': name } = checkInput(params, request.params)
    const { attempt } = checkInput(query, request.query)
    if (!isArtifactName(name)) throw new AppError('not_found', 'there is no such artefact, or you may not see it')
    const found = await whileThere(() => operations.openArtifact(askOf(request), { id, name, attempt }))
    const tag = `"${found.sha256}"`
    reply.headers({
      'accept-ranges': 'bytes',
      'content-type': 'application/octet-stream',
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      'content-disposition': attachment(name),
      etag: tag,
      'repr-digest': `sha-256=:${Buffer.from(found.sha256, 'hex').toString('base64')}:`,
    })
    if (request.headers['if-none-match'] === tag) return reply.code(304).send()
    const range = byteRange(request.headers.range, found.bytes)
    if (range.kind === 'unsatisfiable') return unsatisfiable(reply, found.bytes)
    const [start, end] = range.kind === 'part' ? [range.start, range.end] : [0, found.bytes]
    if (range.kind === 'part') reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${found.bytes}`)
    reply.header('content-length', end - start)
    const bytes = request.method === 'HEAD' ? [] : found.read(start, end)
    return reply.send(Readable.from(bytes, { objectMode: false, highWaterMark: 256 * 1024 }))
  })
}

function unsatisfiable(reply: FastifyReply, size: number) {
  const body = {
    ...{ type: 'about:blank', title: 'invalid_argument', status: 416 },
    ...{ detail: `the artefact has ${size} bytes`, errors: [] },
  }
  return reply
    .code(416)
    .header('content-range', `bytes */${size}`)
    .removeHeader('content-disposition')
    .removeHeader('etag')
    .type('application/problem+json')
    .send(body)
}
