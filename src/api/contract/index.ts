/**
 * The one contract: validation, the OpenAPI document and the typed client all come from here.
 * Routes that oRPC cannot carry (raw logs with ranges, the form-encoded OAuth2 grant, the WebSocket) are in `plain.ts`.
 */
import { certificates, runnerTokens } from './certificates.ts'
import { jobs } from './jobs.ts'
import { me, session, tokens, users } from './people.ts'
import { health, queues, ready, runners } from './system.ts'

export const contract = { health, ready, me, session, jobs, queues, runners, users, tokens, certificates, runnerTokens }
export type Contract = typeof contract

export { apiPrefix, type Problem } from './base.ts'
export type { Certificate, CertificateAuthority } from './certificates.ts'
export type { Attempt, Job, JobResult, StatusWord } from './job.ts'
export type { ApiToken, Me, User } from './people.ts'
export type { Queue, Runner } from './system.ts'
export type { ClientMessage, ServerMessage } from './live.ts'
