/** Variables and secrets, of one user or of all. */
import * as z from 'zod'
import { variableName } from '../../job/event.ts'
import { base, instant, page, queryFlag } from './base.ts'

const tags = ['variables']
export const variableScopes = ['user', 'global'] as const
const scope = z.enum(variableScopes)
const mostBytes = 64 * 1024

const variableSchema = z.object({
  name: z.string(),
  scope: z.enum(variableScopes),
  owner: z.string().nullable(),
  secret: z.boolean(),
  description: z.string().nullable(),
  /** Null of a secret: it is never shown again. Of a list, the first 200 characters. */
  value: z.string().nullable(),
  bytes: z.int(),
  version: z.string(),
  updated_by: z.string(),
  created_at: instant,
  updated_at: instant,
  last_read_at: instant.nullable(),
  /** Names of events that use it. */
  used_by: z.array(z.string()),
})
export type Variable = z.infer<typeof variableSchema>

const list = base
  .route({ method: 'GET', path: '/variables', tags, summary: 'Variables, by name: one’s own and global ones' })
  .input(
    z.strictObject({
      limit: page.limit,
      cursor: z.string().max(300).optional(),
      scope: z.enum(variableScopes).optional(),
      secret: queryFlag.optional(),
      search: z.string().min(1).max(128).optional(),
    }),
  )
  .output(z.object({ variables: z.array(variableSchema), next_cursor: z.string().nullable() }))
const get = base
  .route({
    method: 'GET',
    path: '/variables/{scope}/{name}',
    tags,
    summary: 'One variable; a secret without its value',
  })
  .input(z.strictObject({ scope, name: variableName }))
  .output(variableSchema)
const put = base
  .route({
    method: 'PUT',
    path: '/variables/{scope}/{name}',
    tags,
    summary: 'Make or change it; global ones are an administrator’s affair',
  })
  .input(
    z.strictObject({
      scope,
      name: variableName,
      /** Left out: it stays as it is. */
      value: z
        .string()
        .refine((text) => new TextEncoder().encode(text).length <= mostBytes, `at most ${mostBytes} bytes`)
        .optional(),
      secret: z.boolean().optional(),
      description: z.string().max(500).nullable().optional(),
      /** Refused when it has changed since. */
      expect_version: z
        .string()
        .regex(/^\d{1,18}$/)
        .optional(),
    }),
  )
  .output(variableSchema)
const remove = base
  .route({
    method: 'DELETE',
    path: '/variables/{scope}/{name}',
    tags,
    successStatus: 204,
    summary: 'Delete a variable',
  })
  .input(z.strictObject({ scope, name: variableName }))

const sealingKeySchema = z.object({
  key_id: z.string(),
  /** `prepared`: not all servers have it yet; `old`: what it sealed is being sealed anew; `retired`: nothing is left. */
  state: z.enum(['current', 'prepared', 'old', 'retired']),
  /** Stored values that it opens. */
  values: z.int(),
  added_at: instant,
  used_at: instant.nullable(),
  retired_at: instant.nullable(),
  /** Names of servers that are there and do not have it. */
  missing_on: z.array(z.string()),
})
export type SealingKey = z.infer<typeof sealingKeySchema>

export const sealingKeys = {
  list: base
    .route({ method: 'GET', path: '/sealing-keys', tags, summary: 'Keys that stored secrets are sealed with (admin)' })
    .output(z.object({ keys: z.array(sealingKeySchema) })),
  rotate: base
    .route({
      method: 'POST',
      path: '/sealing-keys/rotate',
      tags,
      summary: 'Put a new key to use and seal everything anew with it, in the background (admin)',
    })
    .output(
      z.object({
        key_id: z.string(),
        /** False: bring it to the servers that lack it, and ask again. */
        used: z.boolean(),
        missing_on: z.array(z.string()),
        /** Where this server keeps it; null: in the configuration. */
        file: z.string().nullable(),
      }),
    ),
}

export const variables = { list, get, put, delete: remove }
