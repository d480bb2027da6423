import { createORPCClient } from '@orpc/client'
import type { ContractRouterClient } from '@orpc/contract'
import type { JsonifiedClient } from '@orpc/openapi-client'
import { OpenAPILink } from '@orpc/openapi-client/fetch'
import contractJson from 'virtual:contract'
import type { Contract } from '../../../src/api/contract/index.ts'
import { problemError } from './problem.ts'

export type { Attempt, Job, JobResult, Me, Queue, Runner, StatusWord } from '../../../src/api/contract/index.ts'
export type {
  ApiToken,
  AuditRow,
  Batch,
  BatchInput,
  BatchTemplate,
  Certificate,
  Channel,
  Delivery,
  TestInsight,
  TestResult,
  TokenScope,
  User,
} from '../../../src/api/contract/index.ts'

interface Context {
  /** The same key with the same body gives the same job: a submit may be sent again without fear. */
  idempotencyKey?: string
}

const prefix = '/api/v1'

const link = new OpenAPILink<Context>(contractJson, {
  url: () => `${location.origin}${prefix}`,
  headers: ({ context }) => (context.idempotencyKey ? { 'idempotency-key': context.idempotencyKey } : {}),
  fetch: async (request, init) => asJson(await fetch(request, init)),
  customErrorResponseBodyDecoder: (body, response) =>
    problemError(body, response.status, String(response.headers['retry-after'] ?? '') || undefined),
})

/** The link reads a body as JSON by this one content type only; problem bodies have their own. */
function asJson(response: Response): Response {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return response
  const headers = new Headers(response.headers)
  headers.set('content-type', 'application/json')
  return new Response(response.body, { status: response.status, headers })
}

/** The typed client: `api.jobs.get({ id })`. Types come from the contract, the code behind them from its JSON. */
export const api: JsonifiedClient<ContractRouterClient<Contract, Context>> = createORPCClient(link)

export interface LogAddress {
  id: string
  stream: 'all' | 'stdout' | 'stderr'
  attempt?: number
}

/** The stored bytes of a log, unchanged. */
export function logUrl({ id, stream, attempt }: LogAddress): string {
  const search = new URLSearchParams({ stream, download: 'true' })
  if (attempt !== undefined) search.set('attempt', String(attempt))
  return `${prefix}/jobs/${id}/logs?${search}`
}
