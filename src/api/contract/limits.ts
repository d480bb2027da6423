/** Limits that would do, by what past attempts used. */
import * as z from 'zod'
import { base, instant, publicId } from './base.ts'

const suggestion = {
  /** 95 % of the attempts used this at most, and the most that any used: bytes, or cores on the average of an attempt. */
  p95: z.number(),
  most: z.number(),
  /** That the newest of them would have now; null: none. */
  limit: z.number().nullable(),
  /** What 95 % need and 30 % more, rounded up, within the administrator's maximum. */
  suggested: z.number(),
  /** `high`: more than four times what is needed was asked for; `tight`: attempts come within 10 % of the limit. */
  hint: z.enum(['high', 'tight']).nullable(),
  /** The hint as a sentence. */
  text: z.string().nullable(),
}
const suggested = z.object({
  /** In words: `event nightly`, `jobs named build`. */
  of: z.string(),
  /** The last ones that told what they used, 200 at most. */
  attempts: z.int(),
  /** When the oldest of them ended. */
  since: instant.nullable(),
  /** Null: fewer than five attempts told. */
  memory: z.object({ ...suggestion, oom_kills: z.int() }).nullable(),
  cpu: z.object(suggestion).nullable(),
})
export type SuggestedLimits = z.infer<typeof suggested>

const suggest = base
  .route({
    method: 'GET',
    path: '/jobs/suggested-limits',
    tags: ['jobs'],
    summary: 'Memory and CPU that would do, by what the last attempts used',
    description:
      'Give one of `name`, `event`, `pipeline` with `task`, and `job`, which asks for whatever that job is of.',
  })
  .input(
    z.strictObject({
      name: z.string().min(1).max(200).optional(),
      /** Of `name`: whose jobs; one's own when left out. */
      owner: z.string().min(1).max(200).optional(),
      event: z.string().min(1).max(128).optional(),
      pipeline: z.string().min(1).max(200).optional(),
      task: z.string().min(1).max(200).optional(),
      job: publicId.optional(),
    }),
  )
  .output(suggested)

export const limits = { suggest }
