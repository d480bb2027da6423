/** The audit log as a file to keep: streamed, so that its size does not matter. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { auditFormats } from '../../operations/audit-format.ts'
import { problemsOf } from '../../lib/issue-fields.ts'
import type { ZodIssue } from '../../lib/issue-words.ts'
import { auditFilter } from '../contract/audit.ts'
import { apiPrefix } from '../contract/base.ts'
import { fieldsRefused } from '../errors.ts'
import { askOf, type RouteOptions } from './contract-routes.ts'

const query = z.strictObject({ format: z.enum(auditFormats).default('jsonl'), ...auditFilter })
const contentTypes = { jsonl: 'application/jsonl; charset=utf-8', csv: 'text/csv; charset=utf-8; header=present' }

export function installAuditRoute(app: FastifyInstance, { operations, whileThere }: RouteOptions): void {
  app.route({
    method: 'GET',
    url: `${apiPrefix}/audit/export`,
    exposeHeadRoute: false,
    async handler(request, reply) {
      const parsed = query.safeParse(request.query)
      if (!parsed.success) throw fieldsRefused(problemsOf(parsed.error.issues as ZodIssue[]))
      const lines = await whileThere(() => operations.exportAudit(askOf(request), parsed.data))
      const { format } = parsed.data
      const day = new Date().toISOString().slice(0, 10)
      reply.headers({
        'content-type': contentTypes[format],
        'content-disposition': `attachment; filename="runyard-audit-${day}.${format}"`,
        'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      })
      return reply.send(Readable.from(lines, { objectMode: false }))
    },
  })
}
