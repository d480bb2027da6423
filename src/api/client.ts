/** The typed client of the REST API, for the CLI and for tests. Every failure is an AppError. */
import { createORPCClient, onError, ORPCError } from '@orpc/client'
import type { ContractRouterClient } from '@orpc/contract'
import type { JsonifiedClient } from '@orpc/openapi-client'
import { OpenAPILink } from '@orpc/openapi-client/fetch'
import { AppError, errorCodes, isAppError, type ErrorCode } from '../lib/app-error.ts'
import { problemSchema } from './contract/base.ts'
import { apiPrefix, contract, type Contract } from './contract/index.ts'
import { followLog, noServer, type FollowedServer, type FollowEvent, type FollowRequest } from './client-follow.ts'
import type { OnAway } from './client-retries.ts'
import { readLog, type LogRange, type ReadLogRequest } from './client-log.ts'

export interface ApiClientOptions {
  /** e.g. `http://127.0.0.1:8000`. */
  baseUrl: string
  /** Access token or API token; none for open routes only. */
  token?: string
  /** Of one request, milliseconds; 0 waits for ever. */
  timeoutMs?: number
}

export interface CallContext {
  /** Sent as `Idempotency-Key`; makes a submit safe to repeat. */
  idempotencyKey?: string
}

export type ApiCalls = JsonifiedClient<ContractRouterClient<Contract, CallContext>>

export interface ApiClient {
  calls: ApiCalls
  /** Raw bytes of a log, a range of them. */
  readLog(request: ReadLogRequest): Promise<LogRange>
  /** Replay, then live, over reconnects; ends with `{type: 'end'}`. Slow readers slow the server's sending, nothing else. */
  followLog(request: FollowRequest, signal?: AbortSignal, onAway?: OnAway): AsyncGenerator<FollowEvent>
  /** OAuth2 password grant. */
  passwordGrant(username: string, password: string): Promise<{ access_token: string; expires_in: number }>
  /** The bytes of an artefact as they come. */
  readArtifact(jobId: string, name: string, attempt?: number): Promise<ReadableStream<Uint8Array>>
  /** The audit log as text, oldest first, as it comes; `query` as `GET /audit/export` has it. */
  exportAudit(query: Record<string, string | undefined>): Promise<ReadableStream<Uint8Array>>
}

export function createApiClient(options: ApiClientOptions): ApiClient {
  const timeoutMs = options.timeoutMs ?? 30_000
  const followed: FollowedServer = { baseUrl: options.baseUrl, token: options.token, met: false }
  const send = (request: Request, untimed = false): Promise<Response> => {
    const signal =
      timeoutMs === 0 || untimed ? request.signal : AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)])
    return fetch(request, { signal, redirect: 'error' }).then(
      (response) => {
        followed.met = true
        return asJson(response)
      },
      (error: unknown) => {
        throw unreachable(options.baseUrl, error)
      },
    )
  }
  const authorization = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }
  const link = new OpenAPILink<CallContext>(contract, {
    url: new URL(apiPrefix, options.baseUrl).href,
    headers: ({ context }) => ({
      ...authorization,
      ...(context.idempotencyKey === undefined ? {} : { 'idempotency-key': context.idempotencyKey }),
    }),
    fetch: (request) => send(request),
    customErrorResponseBodyDecoder: (body, response) =>
      new ORPCError('PROBLEM', { status: response.status, data: body, cause: retryAfter(response.headers) }),
    interceptors: [
      onError((error) => {
        throw toAppError(error)
      }),
    ],
  })
  const plain: PlainFetch = async (path, init) => {
    const headers = { ...authorization, ...init?.headers }
    const url = new URL(`${apiPrefix}${path}`, options.baseUrl)
    const response = await send(new Request(url, { ...init, headers }), init?.untimed)
    if (response.ok) return response
    const body: unknown = await response.json().catch(() => undefined)
    throw problemToAppError(response.status, body, retryAfter(Object.fromEntries(response.headers)))
  }
  return {
    calls: createORPCClient<ApiCalls>(link),
    readLog: (request) => readLog(plain, request),
    followLog: (request, signal, onAway) => followLog(followed, request, signal, onAway),
    async passwordGrant(username, password) {
      const response = await plain('/auth/token', {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'password', username, password }),
      })
      return (await response.json()) as { access_token: string; expires_in: number }
    },
    async readArtifact(jobId, name, attempt) {
      const path = name.split('/').map(encodeURIComponent).join('/')
      const query = attempt === undefined ? '' : `?attempt=${attempt}`
      const response = await plain(`/jobs/${jobId}/artifacts/${path}${query}`, { untimed: true })
      return response.body!
    },
    async exportAudit(query) {
      const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
      const response = await plain(`/audit/export?${new URLSearchParams(given)}`, { untimed: true })
      return response.body as ReadableStream<Uint8Array>
    },
  }
}

export type PlainFetch = (
  path: string,
  init?: {
    method?: string
    headers?: Record<string, string>
    body?: URLSearchParams
    signal?: AbortSignal
    /** For an answer that may take as long as it takes. */
    untimed?: boolean
  },
) => Promise<Response>

/** The link reads a body as JSON by this one content type only. */
function asJson(response: Response): Response {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return response
  const headers = new Headers(response.headers)
  headers.set('content-type', 'application/json')
  return new Response(response.body, { status: response.status, headers })
}

function unreachable(baseUrl: string, cause: unknown): AppError {
  if (isAppError(cause)) return cause
  if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
  if (cause instanceof DOMException && cause.name === 'TimeoutError') {
    return new AppError('deadline_exceeded', `${baseUrl} did not answer in time`, { cause })
  }
  return noServer(baseUrl, cause)
}

function retryAfter(headers: Record<string, string | string[] | undefined>): number | undefined {
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) ? seconds : undefined
}

function toAppError(error: unknown): unknown {
  if (!(error instanceof ORPCError)) return error
  const after = typeof error.cause === 'number' ? error.cause : undefined
  return problemToAppError(error.status, error.data, after)
}

function problemToAppError(status: number, body: unknown, retryAfterSeconds: number | undefined): AppError {
  const problem = problemSchema.safeParse(body)
  if (!problem.success) {
    return new AppError('internal', `the server answered ${status} without a problem body; is it a Runyard server?`)
  }
  const { title, detail, errors } = problem.data
  const code = errorCodes.find((known) => known === title) ?? ('internal' satisfies ErrorCode)
  return new AppError(code, detail, { fields: errors, retryAfterSeconds })
}

export type { FollowEvent, FollowRequest, LogRange, ReadLogRequest }
