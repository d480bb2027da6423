/** Tools (the typed port that channels are the first members of), message templates, and expressions to try out. */
import * as z from 'zod'
import { channelKinds } from '../../job/message.ts'
import { base, instant } from './base.ts'

const tags = ['actions']

const toolSchema = z.object({
  /** As the kind of a channel. */
  name: z.enum(channelKinds),
  title: z.string(),
  description: z.string(),
  /** JSON Schema of what a channel of this tool is made of; secret fields carry `writeOnly`. */
  credentials: z.json(),
  actions: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      description: z.string(),
      /** JSON Schema of `input`. */
      input: z.json(),
      example: z.json(),
    }),
  ),
})
export type Tool = z.infer<typeof toolSchema>
const listTools = base
  .route({ method: 'GET', path: '/tools', tags, summary: 'What channels can do, and what that takes' })
  .output(z.object({ tools: z.array(toolSchema) }))

const templateName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a template name has lower-case letters, digits, . _ and - only')
const templateSchema = z.object({
  name: z.string(),
  owner: z.string(),
  description: z.string().nullable(),
  input: z.record(z.string(), z.json()),
  sample: z.json(),
  used_by: z.array(z.string()),
  created_at: instant,
  updated_at: instant,
})
export type MessageTemplate = z.infer<typeof templateSchema>
const list = base
  .route({ method: 'GET', path: '/message-templates', tags, summary: 'Message templates, by name' })
  .output(z.object({ templates: z.array(templateSchema) }))
const get = base
  .route({ method: 'GET', path: '/message-templates/{name}', tags, summary: 'One template' })
  .input(z.strictObject({ name: templateName }))
  .output(templateSchema)
const put = base
  .route({ method: 'PUT', path: '/message-templates/{name}', tags, summary: 'Make it or change it' })
  .input(
    z.strictObject({
      name: templateName,
      description: z.string().max(500).nullable().default(null),
      input: z.record(z.string().min(1).max(100), z.json()),
      sample: z.json().default({}),
    }),
  )
  .output(templateSchema)
const remove = base
  .route({
    method: 'DELETE',
    path: '/message-templates/{name}',
    tags,
    successStatus: 204,
    summary: 'Delete a template',
  })
  .input(z.strictObject({ name: templateName }))

/** As actions see them; what is left out is an example. */
const names = z.strictObject({
  outcome: z.json().optional(),
  output: z.json().optional(),
  condition: z.boolean().optional(),
  input: z.json().optional(),
  event: z.json().optional(),
  vars: z.json().optional(),
  iteration: z.int().optional(),
})
const preview = base
  .route({
    method: 'POST',
    path: '/message-templates/preview',
    tags,
    summary: 'Fill in a template; stores and sends nothing',
  })
  .input(z.strictObject({ input: z.record(z.string().min(1).max(100), z.json()), names: names.default({}) }))
  .output(
    z.object({
      input: z.record(z.string(), z.json()).nullable(),
      problems: z.array(z.object({ field: z.string(), message: z.string() })),
    }),
  )
const tryCondition = base
  .route({ method: 'POST', path: '/conditions/try', tags, summary: 'Evaluate a condition; stores nothing' })
  .input(z.strictObject({ condition: z.string().min(1).max(2000), names: names.default({}) }))
  .output(z.object({ value: z.boolean().nullable(), problem: z.string().nullable() }))

export const tools = { list: listTools }
export const messageTemplates = { list, get, put, delete: remove, preview }
export const conditions = { try: tryCondition }
