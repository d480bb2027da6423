/** The audit log: every request that changed something or was refused. The export is a plain route (`plain.ts`). */
import * as z from 'zod'
import { base, instant, page } from './base.ts'

const tags = ['audit']

export const auditFilter = {
  /** Name of who asked. */
  actor: z.string().min(1).max(200).optional(),
  /** `noun.verb`, or `noun.` for all of a noun. */
  action: z.string().min(1).max(100).optional(),
  /** e.g. `job:4d5c9fa91db4`. */
  target: z.string().min(1).max(200).optional(),
  result: z.enum(['done', 'refused']).optional(),
  since: instant.optional(),
  until: instant.optional(),
}

export const auditRow = z.object({
  id: z.string(),
  at: instant,
  actor_kind: z.string(),
  actor: z.string(),
  action: z.string(),
  target: z.string().nullable(),
  result: z.enum(['done', 'refused']),
  detail: z.json(),
  address: z.string().nullable(),
  /** Its place in the hash chain; null for the moment until it is sealed. */
  seq: z.string().nullable(),
})
export type AuditRow = z.infer<typeof auditRow>

const list = base
  .route({ method: 'GET', path: '/audit', tags, summary: 'The audit log, newest first (administrators)' })
  .input(z.strictObject({ ...page, ...auditFilter }))
  .output(z.object({ entries: z.array(auditRow), next_cursor: z.string().nullable() }))

const verify = base
  .route({
    method: 'POST',
    path: '/audit/verify',
    tags,
    summary: 'Walk the whole hash chain and say whether it holds (administrators)',
  })
  .input(
    z
      .strictObject({
        /** A head that was kept elsewhere: nothing before it was rewritten or cut off if it is still in the chain. */
        head: z
          .strictObject({
            seq: z.string().regex(/^[1-9]\d{0,17}$/, 'is the number of a seal'),
            hash: z.string().regex(/^[0-9a-f]{64}$/, 'is 64 digits 0-9 a-f'),
          })
          .optional(),
      })
      .optional(),
  )
  .output(
    z.object({
      ok: z.boolean(),
      checked: z.int(),
      head: z.object({ seq: z.string(), hash: z.string() }).nullable(),
      problems: z.array(z.object({ kind: z.string(), seq: z.string().optional(), audit_id: z.string().optional() })),
    }),
  )

export const audit = { list, verify }
