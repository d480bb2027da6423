import * as z from 'zod'
import { base, instant } from './base.ts'

export const roles = ['admin', 'operator', 'viewer'] as const

const username = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/, 'has letters, digits and . _ @ + - only, at most 128 characters')
const password = z.string().min(10, 'has at least 10 characters').max(1024)

const meSchema = z.object({
  /** `user` by session or password, `token` by API token. */
  kind: z.enum(['user', 'token', 'certificate', 'runner', 'server', 'enrol', 'system']),
  username: z.string(),
  role: z.enum(roles),
})
export type Me = z.infer<typeof meSchema>

export const me = base
  .route({ method: 'GET', path: '/me', tags: ['people'], summary: 'Who is asking' })
  .output(meSchema)

const signIn = base
  .route({
    method: 'POST',
    path: '/auth/session',
    tags: ['people'],
    summary: 'Sign in for a browser: sets the cookie runyard_session',
  })
  .meta({ open: true })
  .input(z.strictObject({ username: z.string().min(1).max(200), password: z.string().min(1).max(1024) }))
  .output(z.object({ user: meSchema, expires_at: instant }))

const signOut = base
  .route({
    method: 'DELETE',
    path: '/auth/session',
    tags: ['people'],
    successStatus: 204,
    summary: 'Sign out: clears the cookie',
  })
  .meta({ open: true })

const userSchema = z.object({
  username: z.string(),
  role: z.enum(roles),
  max_running: z.int(),
  disabled: z.boolean(),
  /** Signing in is refused until then: too many wrong passwords. */
  locked_until: instant.nullable(),
  created_at: instant,
  last_seen_at: instant.nullable(),
  usage: z.object({
    /** Waiting and running. */
    open_jobs: z.int(),
    /** Ended, and not yet removed. */
    kept_jobs: z.int(),
    /** Of the logs of all of them, before compression. */
    log_bytes: z.int(),
    /** What is kept of each user (RUNYARD_RETAIN_USER_COUNT, RUNYARD_RETAIN_USER_BYTES); 0 is no limit. */
    retain_count: z.int(),
    retain_bytes: z.int(),
  }),
})
export type User = z.infer<typeof userSchema>

const createUser = base
  .route({
    method: 'POST',
    path: '/users',
    tags: ['people'],
    successStatus: 201,
    summary: 'Create a user (administrators)',
  })
  .input(
    z.strictObject({
      username,
      password,
      role: z.enum(roles).default('operator'),
      max_running: z.int().min(0).max(1_000_000).optional(),
    }),
  )
  .output(userSchema)

const listUsers = base
  .route({ method: 'GET', path: '/users', tags: ['people'], summary: 'List users (administrators)' })
  .output(z.object({ users: z.array(userSchema) }))

const getUser = base
  .route({
    method: 'GET',
    path: '/users/{username}',
    tags: ['people'],
    summary: 'One user, with what is kept of their jobs and logs: yourself, or as an administrator anybody',
  })
  .input(z.strictObject({ username: z.string().min(1).max(128) }))
  .output(userSchema)

const setPassword = base
  .route({
    method: 'PUT',
    path: '/users/{username}/password',
    tags: ['people'],
    successStatus: 204,
    summary: 'Set a password: your own, or as an administrator anybody’s; it ends their sessions and API tokens',
  })
  .input(
    z.strictObject({
      username: z.string().min(1).max(128),
      password,
      /** Needed for one's own, whatever the role. */
      current_password: z.string().min(1).max(1024).optional(),
    }),
  )

const changeUser = base
  .route({
    method: 'PATCH',
    path: '/users/{username}',
    tags: ['people'],
    summary: 'Change role, cap or state of an account (administrators); a new role ends its sessions at once',
  })
  .input(
    z.strictObject({
      username: z.string().min(1).max(128),
      role: z.enum(roles).optional(),
      max_running: z.int().min(0).max(1_000_000).optional(),
      disabled: z.boolean().optional(),
      /** True: lets somebody in again who gave too many wrong passwords. */
      unlock: z.literal(true).optional(),
    }),
  )
  .output(userSchema)

const deleteUser = base
  .route({
    method: 'DELETE',
    path: '/users/{username}',
    tags: ['people'],
    successStatus: 204,
    summary: 'Delete an account (administrators): its open jobs are cancelled, its history stays under its name',
  })
  .input(z.strictObject({ username: z.string().min(1).max(128) }))

const createReset = base
  .route({
    method: 'POST',
    path: '/users/{username}/password-reset',
    tags: ['people'],
    successStatus: 201,
    summary: 'A one-time code with which somebody sets a new password (administrators); shown this once',
  })
  .input(z.strictObject({ username: z.string().min(1).max(128) }))
  .output(z.object({ code: z.string(), expires_at: instant }))

const useReset = base
  .route({
    method: 'POST',
    path: '/auth/password-reset',
    tags: ['people'],
    successStatus: 204,
    summary: 'Set a new password with a one-time code',
  })
  .meta({ open: true })
  .input(z.strictObject({ username: z.string().min(1).max(200), code: z.string().min(1).max(200), password }))

const signOutEverywhere = base.route({
  method: 'POST',
  path: '/me/sign-out-everywhere',
  tags: ['people'],
  successStatus: 204,
  summary: 'End all your sessions and API tokens',
})

/** What a token may do of what its owner may: reading or all of one kind of thing. */
export const tokenScopes = [
  'jobs:read',
  'jobs:write',
  'batches:read',
  'batches:write',
  'queues:read',
  'queues:write',
  'runners:read',
  'runners:write',
  'users:read',
  'users:write',
  'tokens:read',
  'tokens:write',
  'certificates:read',
  'certificates:write',
  'channels:read',
  'channels:write',
  'images:read',
  'images:write',
  'hosts:read',
  'hosts:write',
  'pipelines:read',
  'pipelines:write',
  'events:read',
  'events:write',
  'variables:read',
  'variables:write',
  'audit:read',
  'metrics:read',
] as const
export type TokenScope = (typeof tokenScopes)[number]

const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Null: all that its owner may. */
  scopes: z.array(z.enum(tokenScopes)).nullable(),
  created_at: instant,
  expires_at: instant.nullable(),
  last_used_at: instant.nullable(),
})
export type ApiToken = z.infer<typeof tokenSchema>

const createToken = base
  .route({
    method: 'POST',
    path: '/tokens',
    tags: ['people'],
    successStatus: 201,
    summary: 'Create an API token of your own; it is shown this once',
  })
  .input(
    z.strictObject({
      name: z.string().trim().min(1).max(100),
      expires_in_days: z.int().min(1).max(3650).optional(),
      /** Left out: all that you may. */
      scopes: z.array(z.enum(tokenScopes)).min(1).optional(),
    }),
  )
  .output(z.object({ ...tokenSchema.shape, token: z.string() }))

const listTokens = base
  .route({ method: 'GET', path: '/tokens', tags: ['people'], summary: 'Your API tokens that still hold' })
  .output(z.object({ tokens: z.array(tokenSchema) }))

const revokeToken = base
  .route({
    method: 'DELETE',
    path: '/tokens/{id}',
    tags: ['people'],
    successStatus: 204,
    summary: 'Revoke one of your API tokens',
  })
  .input(z.strictObject({ id: z.string().regex(/^\d{1,18}$/, 'is the id of a token') }))

export const session = { create: signIn, delete: signOut }
export const users = {
  create: createUser,
  list: listUsers,
  get: getUser,
  change: changeUser,
  delete: deleteUser,
  setPassword,
  createReset,
}
export const account = { useReset, signOutEverywhere }
export const tokens = { create: createToken, list: listTokens, delete: revokeToken }
