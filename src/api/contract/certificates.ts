import * as z from 'zod'
import { base, instant, page, queryList } from './base.ts'

export const certificateRoles = ['admin', 'operator', 'viewer', 'runner', 'server', 'enrol'] as const
/** Servers make their own, and enrolments come with a runner token. */
export const issuedRoles = ['admin', 'operator', 'viewer', 'runner'] as const
export const certificateStates = ['valid', 'ends_soon', 'suspended', 'ended', 'revoked', 'spent'] as const

const authoritySchema = z.object({
  id: z.string(),
  certificate_pem: z.string(),
  /** SHA-256 of the certificate, in hex. */
  fingerprint: z.string(),
  created_at: instant,
  ends_at: instant,
})
export type CertificateAuthority = z.infer<typeof authoritySchema>

const initAuthority = base
  .route({
    method: 'POST',
    path: '/certificates/authority',
    tags: ['certificates'],
    successStatus: 201,
    summary: 'Make the authority that issues certificates (administrators)',
  })
  .input(
    z.strictObject({
      name: z.string().trim().min(1).max(64).default('Runyard'),
      years: z.int().min(1).max(30).default(10),
      /** A new one beside the old, which stays trusted until it ends. */
      rotate: z.boolean().default(false),
      /** The old ones end now, and every certificate of theirs: for a key that may have been stolen. */
      end_old: z.boolean().default(false),
    }),
  )
  .output(z.object({ ...authoritySchema.shape, certificates_ended: z.int() }))

const listAuthorities = base
  .route({
    method: 'GET',
    path: '/certificates/authority',
    tags: ['certificates'],
    summary: 'The authorities that are trusted, newest first (administrators)',
  })
  .output(z.object({ authorities: z.array(authoritySchema) }))

const certificateSchema = z.object({
  id: z.string(),
  /** Of the account, the runner or the server; `*` for a runner token without a name. */
  name: z.string(),
  role: z.enum(certificateRoles),
  /** `suspended`: its account is disabled or has another role. */
  state: z.enum(certificateStates),
  serial: z.string(),
  /** SHA-256 of the certificate, in hex. */
  fingerprint: z.string(),
  created_at: instant,
  ends_at: instant,
  issued_by: z.string(),
  last_used_at: instant.nullable(),
  revoked_at: instant.nullable(),
  revoke_reason: z.string().nullable(),
})
export type Certificate = z.infer<typeof certificateSchema>

const issue = base
  .route({
    method: 'POST',
    path: '/certificates',
    tags: ['certificates'],
    successStatus: 201,
    summary: 'Issue a certificate for a key that stays where it was made (administrators)',
  })
  .input(
    z.strictObject({
      /** A person’s account, made when there is none; or a runner. */
      name: z.string().min(1).max(64),
      role: z.enum(issuedRoles),
      /** 90 when missing; it ends with its authority at the latest. */
      days: z.number().min(0.001).max(825).optional(),
      /** PKCS #10, PEM, ECDSA P-256. Its signature is checked; the subject it asks for is not looked at. */
      request: z.string().min(1).max(32_768),
    }),
  )
  .output(
    z.object({
      certificate: certificateSchema,
      certificate_pem: z.string(),
      /** All authorities that are trusted, for the holder to trust. */
      authorities_pem: z.string(),
      account_created: z.boolean(),
    }),
  )

const list = base
  .route({
    method: 'GET',
    path: '/certificates',
    tags: ['certificates'],
    summary: 'Certificates, newest first (administrators)',
  })
  .input(
    z.strictObject({
      role: queryList(z.enum(certificateRoles)).optional(),
      name: z.string().min(1).max(128).optional(),
      state: queryList(z.enum(certificateStates)).optional(),
      ...page,
    }),
  )
  .output(z.object({ certificates: z.array(certificateSchema), next_cursor: z.string().nullable() }))

const revoke = base
  .route({
    method: 'POST',
    path: '/certificates/{id}/revoke',
    tags: ['certificates'],
    summary: 'Revoke a certificate: it is refused from now on, and open connections end (administrators)',
  })
  .input(
    z.strictObject({
      id: z.string().regex(/^\d{1,18}$/, 'is the id of a certificate'),
      reason: z.string().trim().min(1).max(500).optional(),
    }),
  )
  .output(z.object({ ...certificateSchema.shape, revoked_before: z.boolean() }))

const address = z.string().regex(/^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252}):\d{1,5}$/, 'is host:port')

const createRunnerToken = base
  .route({
    method: 'POST',
    path: '/runner-tokens',
    tags: ['certificates'],
    successStatus: 201,
    summary: 'Make a token with which one machine becomes a runner, once; it is shown this once (administrators)',
  })
  .input(
    z.strictObject({
      /** The runner’s; when missing, the machine says it. */
      name: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'has letters, digits and . _ - only, at most 63 characters')
        .optional(),
      expires_in_seconds: z.int().min(60).max(604_800).default(3600),
      /** `host:port` of the gRPC listeners that the runner will try; those that are there now when missing. */
      servers: z.array(address).min(1).max(16).optional(),
    }),
  )
  .output(
    z.object({
      id: z.string(),
      token: z.string(),
      servers: z.array(z.string()),
      expires_at: instant,
      /** Earlier ones for that name, which nobody had used. */
      tokens_ended: z.int(),
    }),
  )

export const certificates = { initAuthority, listAuthorities, issue, list, revoke }
export const runnerTokens = { create: createRunnerToken }
