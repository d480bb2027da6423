/** What follows an event's run: when, how often, and what. Conditions are CEL, texts are Liquid templates. */
import * as z from 'zod'
import { httpRequestSchema } from './http-request.ts'
import { namePattern } from './pipeline.ts'

export const actionLimits = {
  conditionLength: 2000,
  delaySeconds: 30 * 24 * 3600,
  /** Of a loop. */
  times: 100,
} as const

/** The seed's words are taken too. */
const seedWords = { ON_SUCCESS: 'success', ON_FAILURE: 'failure', ALWAYS: 'always', ON_CONDITION: 'condition' } as const
export const actionTimes = ['success', 'failure', 'always', 'condition'] as const
const on = z.preprocess(
  (word) =>
    typeof word === 'string' && Object.hasOwn(seedWords, word) ? seedWords[word as keyof typeof seedWords] : word,
  z.enum(actionTimes),
)

/** CEL over `outcome`, `output`, `condition`, `input`, `event`, `vars` and, in a loop, `iteration`. */
const condition = z.string().min(1).max(actionLimits.conditionLength)
const json = z.json()

/** Exactly one. Every text in it is a Liquid template over the same names. */
export const effectSchema = z
  .strictObject({
    message: z
      .strictObject({
        channel: z.string().min(1).max(63),
        action: z
          .string()
          .regex(/^[a-z][a-z0-9_]{0,62}$/)
          .default('send'),
        template: z.string().min(1).max(100).optional(),
        input: z.record(z.string().min(1).max(100), json).default({}),
      })
      .optional(),
    /** Its input is `input` when given, else the output of this run, whatever its type and size. */
    event: z.strictObject({ event: z.string().min(1).max(128), input: json.optional() }).optional(),
    pipeline: z
      .strictObject({
        name: z.string().min(1).max(200),
        variables: z.record(z.string().min(1).max(200), json).default({}),
      })
      .optional(),
    /** An HTTP job, under the same guard as HTTP events. */
    webhook: httpRequestSchema.optional(),
    set_variable: z
      .strictObject({
        name: z.string().min(1).max(128),
        scope: z.enum(['user', 'global']).default('user'),
        operation: z.enum(['set', 'increment', 'append', 'delete']).default('set'),
        /** Of `increment` a number; of `append` a text. */
        value: json.optional(),
      })
      .optional(),
    /** This event once more with the same input: with `repeat` and `until`, a retry of its own. */
    rerun: z.strictObject({}).optional(),
  })
  .refine((effect) => Object.values(effect).filter((one) => one !== undefined).length === 1, {
    message: 'name exactly one of message, event, pipeline, webhook, set_variable and rerun',
  })
export type Effect = z.output<typeof effectSchema>
export type EffectKind = keyof Effect

export const actionSchema = z.strictObject({
  /** Unique within its event: the action fires once for each run under this name. */
  name: z.string().min(1).max(100).regex(namePattern),
  on: on.default('success'),
  /** It fires only when this is true as well. */
  if: condition.optional(),
  delay_seconds: z.number().min(0).max(actionLimits.delaySeconds).default(0),
  /** A loop: again every so often, `times` in all at most, until the condition is true (asked before each further time). */
  repeat: z
    .strictObject({
      times: z.int().min(2).max(actionLimits.times),
      every_seconds: z.number().min(1).max(86_400),
      until: condition.optional(),
    })
    .optional(),
  enabled: z.boolean().default(true),
  do: effectSchema,
})
export type Action = z.output<typeof actionSchema>

export const firingStates = ['due', 'done', 'skipped', 'refused', 'failed'] as const
export type FiringState = (typeof firingStates)[number]
