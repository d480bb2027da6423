/** What each helper takes, checked, and which of them change something. */
import * as z from 'zod'
import { eventLimits, messageBodySchema, variableName } from '../job/event.ts'
import type { HelperMethod } from '../job/helper-protocol.ts'
import { specLimits } from '../job/spec.ts'
import { AppError } from '../lib/app-error.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'
import { depthOf } from '../lib/json.ts'

/** What a line beside the progress may hold; the rest is cut. */
const statusCharacters = 500

const json = z
  .unknown()
  .refine((value) => value !== undefined, 'is missing')
  .refine((value) => depthOf(value, specLimits.payloadDepth) <= specLimits.payloadDepth, 'is nested too deeply')
const name = variableName
const scope = z.enum(['user', 'global']).optional()
const contentType = z
  .string()
  .max(255)
  .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+[\x20-\x7e]*$/, 'is no content type, e.g. application/json')
/** PostgreSQL keeps neither NUL nor half a surrogate pair. */
const line = z
  .string()
  .transform((text) => text.slice(0, statusCharacters).replaceAll('\0', '\uFFFD').toWellFormed())
  .nullable()

export const helperParams = {
  'event.get': z.strictObject({}),
  'condition.set': z.strictObject({ value: z.boolean() }),
  'output.set': z.union([
    z.strictObject({
      type: contentType,
      base64: z.base64().max(Math.ceil(eventLimits.inlineBytes / 3) * 4, 'is too large: send it as an artefact'),
    }),
    z.strictObject({ type: contentType, artifact: z.string().min(1).max(255) }),
  ]),
  'variable.get': z.strictObject({ name }),
  'variable.list': z.strictObject({}),
  'variable.set': z.strictObject({ name, value: json, scope }),
  'variable.delete': z.strictObject({ name, scope }),
  'variable.increment': z.strictObject({ name, by: z.number().default(1), scope }),
  'variable.append': z.strictObject({ name, text: z.string(), scope }),
  'progress.set': z.strictObject({ percent: z.number().min(0).max(100).optional(), text: line.optional() }),
  'message.send': messageBodySchema,
} satisfies Record<HelperMethod, z.ZodType>

export type HelperParams<M extends HelperMethod> = z.output<(typeof helperParams)[M]>

/** Throws `invalid_argument` that names each field. */
export function paramsOf<M extends HelperMethod>(method: M, params: unknown): HelperParams<M> {
  const parsed = helperParams[method].safeParse(params ?? {})
  if (parsed.success) return parsed.data as HelperParams<M>
  const fields = problemsOf(parsed.error.issues as ZodIssue[])
  const words = fields.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`))
  throw new AppError('invalid_argument', words.join('; '), { fields })
}
