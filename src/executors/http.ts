/**
 * The HTTP executor: one request, from the runner's own process. Where it may go is asked of the address at connect time
 * (`lib/address-guard.ts`); the answer is the run's output and stands in the log, as `curl -i` would show it.
 */
import { chargedTo, evaluateCondition } from '../expressions/evaluate.ts'
import type { HttpOrder, HttpRequest } from '../job/http-request.ts'
import { StartRefused, type AttemptOrder, type Executor } from './executor.ts'
import { createAddressGuard } from '../lib/address-guard.ts'
import { bodyOf, TooMuch, type slowest } from './http/body.ts'
import { follow, type Answer } from './http/follow.ts'
import { NotAllowed, plainHost, type Hop } from './http/hop.ts'
import { keepAnswer, type Kept } from './http/keep-answer.ts'
import { prepare } from './http/prepare.ts'
import type { AttemptResults } from './http/results.ts'
import { runInProcess, type Done, type InProcess } from './in-process.ts'

export interface HttpExecutor {
  kind: 'http'
  start: Executor['start']
}

export interface HttpOptions {
  resultsOf(order: AttemptOrder): AttemptResults
  /** Tests have a name server of their own, and less patience. */
  lookup?: Hop['lookup']
  slow?: typeof slowest
}

const nothingKept: AttemptResults = {
  openInput: async () => null,
  async putOutput(_type, body) {
    for await (const _ of body);
  },
}

/** As sysexits.h: for those who go by numbers. */
const exitCodes = { ok: 0, failed: 1, refused: 69, unreachable: 75 } as const

export const createHttpExecutor = (options: HttpOptions): HttpExecutor => ({
  kind: 'http',
  async start(order) {
    if (order.http === undefined) throw new StartRefused('start', 'it has no request')
    const { http } = order
    return runInProcess(order, secretsOf(order), (tools) => attempt(http, order, options, tools))
  },
})

/** What was filled in is in the request too, and in the forms of it that headers have. */
const secretsOf = ({ secretEnv, http }: AttemptOrder): string[] => {
  const { auth } = http!.request
  const more =
    auth?.type === 'basic' ? [auth.password] : auth?.type === 'bearer' ? [auth.token] : auth ? [auth.value] : []
  return [...Object.values(secretEnv), ...more].filter((text) => text !== '')
}

async function attempt(
  { request, allow }: HttpOrder,
  order: AttemptOrder,
  options: HttpOptions,
  { signal, print }: InProcess,
): Promise<Done> {
  const say = (line: string): void => print('stderr', `${line}\n`)
  const within = AbortSignal.any([signal, AbortSignal.timeout(request.timeout_seconds * 1000)])
  const since = performance.now()
  try {
    // What an action sends belongs to no run of its own: its answer is looked at and let go.
    const results = order.spec.event === undefined ? nothingKept : options.resultsOf(order)
    const { url, headers, body } = await prepare(request, results)
    const guard = createAddressGuard(allow)
    const answer = await follow(request, { url, headers }, { body, guard, signal: within, lookup: options.lookup, say })
    sayHead(answer, since, say)
    const pieces = bodyOf(answer.response, request.max_response_bytes, options.slow)
    const kept = await keepAnswer(answer, pieces, { results, print })
    const { statusCode } = answer.response
    say(`${kept.bytes} bytes after ${Math.round(performance.now() - since)} ms`)
    // Assertions of one request wait for no more than their own time.
    return await chargedTo(order.key, () => judge(request, statusCode!, kept, performance.now() - since))
  } catch (error) {
    if (signal.aborted) throw error
    return failed(error, request, within)
  }
}

function sayHead({ response, hops }: Answer, since: number, say: (line: string) => void): void {
  const after = `after ${Math.round(performance.now() - since)} ms${hops > 0 ? ` and ${hops} redirects` : ''}`
  say(`answered ${response.statusCode} ${response.statusMessage ?? ''} ${after}`)
  for (let i = 0; i < response.rawHeaders.length; i += 2)
    say(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`)
}

async function judge(request: HttpRequest, status: number, kept: Kept, ms: number): Promise<Done> {
  const expected = request.expect_status.some((one) =>
    typeof one === 'number' ? one === status : one[0] === String(status)[0],
  )
  if (!expected) {
    // What the client did wrong it would do again.
    const passing = status >= 500 || status === 408 || status === 429
    const message = `answered ${status}, expected ${request.expect_status.join(' or ')}`
    return { exitCode: exitCodes.failed, said: { message, errorClass: passing ? 'exit' : 'refused' } }
  }
  const names = { status, headers: kept.headers, body: kept.text, json: kept.json, duration_ms: Math.round(ms) }
  for (const text of request.assert) {
    let holds
    try {
      holds = await evaluateCondition(text, names)
    } catch (error) {
      const message = `the assertion ${text} cannot be evaluated: ${(error as Error).message}`
      return { exitCode: exitCodes.failed, said: { message, errorClass: 'exit' } }
    }
    if (!holds)
      return {
        exitCode: exitCodes.failed,
        said: { message: `the assertion ${text} does not hold`, errorClass: 'exit' },
      }
  }
  return { exitCode: exitCodes.ok, said: { message: `answered ${status}` } }
}

function failed(error: unknown, request: HttpRequest, within: AbortSignal): Done {
  const host = URL.canParse(request.url) ? plainHost(new URL(request.url)) : 'the address'
  if (error instanceof NotAllowed || error instanceof StartRefused) {
    return { exitCode: exitCodes.refused, said: { message: `refused: ${error.message}`, errorClass: 'refused' } }
  }
  if (error instanceof TooMuch) {
    return {
      exitCode: exitCodes.failed,
      said: { message: `the answer was given up: ${error.message}`, errorClass: 'refused' },
    }
  }
  const message = within.aborted
    ? `no whole answer within ${request.timeout_seconds} s (timeout_seconds)`
    : reasonOf(error, host)
  return { exitCode: exitCodes.unreachable, said: { message, errorClass: 'exit' } }
}

function reasonOf(error: unknown, host: string): string {
  const { code, message, cause } = error as NodeJS.ErrnoException
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `${host} was not found: no such host name`
  if (code === 'ECONNREFUSED') return `${host} refused the connection`
  if (code?.startsWith('ERR_TLS') || code?.includes('CERT'))
    return `${host} has a certificate that does not hold: ${message}`
  return `${host} could not be reached: ${code ?? (cause as Error | undefined)?.message ?? message}`
}
