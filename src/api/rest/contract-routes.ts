/**
 * Each procedure of the contract is a Fastify route of its own, so the route table, body limits and the question "who
 * asks" are Fastify's, and oRPC validates and calls.
 */
import { StandardBracketNotationSerializer } from '@orpc/openapi-client/standard'
import { createProcedureClient, isProcedure, type AnyProcedure } from '@orpc/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Operations } from '../../operations/index.ts'
import type { Ask } from '../../operations/deps.ts'
import { apiPrefix } from '../contract/base.ts'
import { fieldsRefused } from '../errors.ts'
import { onePerField, problemsOf } from '../../lib/issue-fields.ts'
import type { ZodIssue } from '../../lib/issue-words.ts'
import { RefusedBody } from './json-body.ts'
import { createRouter } from './router.ts'

export interface CallContext {
  ask: Ask
  request: FastifyRequest
  reply: FastifyReply
}

const bracketNotation = new StandardBracketNotationSerializer({ maxBracketNotationArrayIndex: 1000 })

export const askOf = (request: FastifyRequest): Ask => ({
  principal: request.principal,
  address: request.ip,
  requestId: request.id,
  ...(typeof request.headers.traceparent === 'string' && { traceparent: request.headers.traceparent }),
  receivedAt: Date.now(),
})

export type WhileThere = <T>(work: () => Promise<T>) => Promise<T>

export interface RouteOptions {
  operations: Operations
  whileThere: WhileThere
}

/** The two that must answer when the database does not. */
const withoutDatabase = new Set(['/health', '/ready'])

export function installContractRoutes(app: FastifyInstance, options: RouteOptions & { version: string }): void {
  for (const [path, procedure] of procedures(createRouter(options))) {
    const { method = 'POST', path: route = '', successStatus = 200 } = procedure['~orpc'].route
    const url = `${apiPrefix}${route.replaceAll(/\{(\w+)\}/g, ':$1')}`
    const signIn = method === 'POST' && /\/auth\/(session|password-reset)$/.test(url)
    app.route({
      method,
      url,
      config: signIn ? { rateLimit: { max: 60, timeWindow: 60_000 } } : {},
      async handler(request, reply) {
        const context: CallContext = { ask: askOf(request), request, reply }
        const call = createProcedureClient(procedure, { path, context })
        if (request.body instanceof RefusedBody) throw await allThatIsWrong(request, request.body, procedure)
        const input = inputOf(request, request.body)
        const work = async (): Promise<unknown> => call(input)
        const output = await (withoutDatabase.has(route) ? work() : options.whileThere(work))
        if (successStatus === 204) return reply.code(204).send()
        return reply.code(successStatus).type('application/json').send(JSON.stringify(output))
      },
    })
  }
}

function* procedures(router: object, path: string[] = []): Generator<[string[], AnyProcedure]> {
  for (const [name, entry] of Object.entries(router) as [string, unknown][]) {
    if (isProcedure(entry)) yield [[...path, name], entry]
    else if (typeof entry === 'object' && entry !== null) yield* procedures(entry, [...path, name])
  }
}

/** What the body alone is refused for and what the schema has against it. */
async function allThatIsWrong(request: FastifyRequest, body: RefusedBody, procedure: AnyProcedure) {
  const input = inputOf(request, body.value)
  const checked = await procedure['~orpc'].inputSchema?.['~standard'].validate(input)
  return fieldsRefused(onePerField([...body.problems, ...problemsOf((checked?.issues ?? []) as ZodIssue[])]))
}

/** Path parameters and either the query or the body, as one object (oRPC's compact structure). */
function inputOf(request: FastifyRequest, body: unknown): unknown {
  const params = request.params as Record<string, string>
  refuseNul(Object.entries(params))
  const fromBody = request.method !== 'GET' && request.method !== 'HEAD'
  const data = fromBody ? body : queryOf(request)
  const names = Object.keys(params)
  // A missing body is none; a missing query is one without fields.
  if (data === undefined || data === null) return names.length === 0 && fromBody ? undefined : params
  if (typeof data !== 'object' || Array.isArray(data)) {
    throw fieldsRefused([
      { field: '', message: fromBody ? 'the body must be a JSON object' : 'the query must be a list of name=value' },
    ])
  }
  const twice = names.filter((name) => Object.hasOwn(data, name))
  if (twice.length > 0) throw fieldsRefused(twice.map((field) => ({ field, message: 'is in the path already' })))
  return { ...data, ...params }
}

function queryOf(request: FastifyRequest): unknown {
  const text = request.url.split('?', 2)[1]
  if (text === undefined || text === '') return undefined
  const entries = [...new URLSearchParams(text)]
  refuseNul(entries)
  return bracketNotation.deserialize(entries)
}

/** PostgreSQL takes none; bodies were looked at when they were read. */
function refuseNul(entries: [name: string, value: string][]): void {
  const wrong = entries.filter((entry) => entry.some((text) => text.includes('\0')))
  if (wrong.length === 0) return
  throw fieldsRefused(
    wrong.map(([name]) => ({ field: name.replaceAll('\0', ''), message: 'must not contain a NUL character' })),
  )
}
