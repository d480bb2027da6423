/** The wire of the helpers (`runtime-helpers/PROTOCOL.md`): which request is which call. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { helperFiles } from '../../job/helper-places.ts'
import type { HelperCall, HelperMethod } from '../../job/helper-protocol.ts'
import { AppError } from '../../lib/app-error.ts'
import { answerJson, answerNothing, answerText } from './answer.ts'
import { jsonOf } from './body.ts'
import { codeOf, type Desk } from './desk.ts'
import { giveInput, type SmallInput } from './give-input.ts'
import type { Handle } from './serve.ts'

interface Asked {
  request: IncomingMessage
  response: ServerResponse
  desk: Desk
  dir: string
  /** What the pattern found. */
  found: string[]
}
type Act = (asked: Asked) => Promise<void>

/** Cronium's names for the same, beneath `/executions/{id}`; the token says which execution it is. */
const base = String.raw`(?:/v1|/executions/[^/]+)`
const variable = String.raw`/variables/([^/]+)`

const routes: [method: string, path: RegExp, act: Act][] = [
  route('GET', '/v1/health', async ({ response }) => answerJson(response, { ok: true })),
  route('GET', `(?:/v1/event|/executions/[^/]+/context)`, giveEvent),
  route('GET', `${base}/input`, giveInputOf),
  route('HEAD', `${base}/input`, giveInputOf),
  route('PUT', `${base}/output`, takeOutput),
  route('POST', `${base}/output`, takeOutput),
  route('POST', `${base}/condition`, pass('condition.set')),
  route('GET', `${base}/variables`, pass('variable.list')),
  route('GET', `${base}${variable}`, pass('variable.get')),
  route('PUT', `${base}${variable}`, pass('variable.set')),
  route('DELETE', `${base}${variable}`, pass('variable.delete')),
  route('POST', `${base}${variable}/increment`, pass('variable.increment', { by: 1 })),
  route('POST', `${base}${variable}/append`, pass('variable.append')),
  route('POST', '/v1/progress', pass('progress.set')),
  route('POST', '(?:/v1/messages|/tool-actions/execute)', pass('message.send', { input: {} })),
]

function route(method: string, path: string, act: Act): [string, RegExp, Act] {
  return [method, new RegExp(`^${path}$`), act]
}

/** `dir`: of the attempt, on this host. */
export const handlerFor =
  (desk: Desk, dir: string): Handle =>
  async (request, response) => {
    const path = (request.url ?? '').split('?')[0]!
    const here = routes.flatMap(([method, pattern, act]) => {
      const match = pattern.exec(path)
      return match === null ? [] : [{ method, act, found: match.slice(1).map(decoded) }]
    })
    if (here.length === 0) throw new AppError('not_found', `there is nothing at ${path}`)
    const fits = here.find(({ method }) => method === request.method)
    if (fits === undefined) {
      const allowed = here.map(({ method }) => method).join(', ')
      throw new AppError('invalid_argument', `${request.method} is not possible at ${path}: ${allowed}`)
    }
    await fits.act({ request, response, desk, dir, found: fits.found })
  }

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new AppError('invalid_argument', 'the path is not percent-encoded UTF-8')
  }
}

/** The body's fields, over `usual` ones, and the variable's name are the parameters. */
function pass(method: HelperMethod, usual: object = {}): Act {
  return async ({ request, response, desk, found: [name] }) => {
    const bare = request.method === 'GET' || request.method === 'DELETE'
    const body = bare ? scopeOf(request) : await jsonOf(request)
    if (name !== undefined && 'name' in body) throw new AppError('invalid_argument', 'the name stands in the path')
    const params = { ...usual, ...body, ...(name === undefined ? {} : { name }) }
    const ok = await answered(desk, { method, params, ...keyOf(request) })
    if (inText.includes(method) && request.headers.accept === 'text/plain') answerValue(response, ok, name)
    else answerJson(response, ok ?? {})
  }
}

/** Of a DELETE, which has no body. */
function scopeOf({ method, url = '' }: IncomingMessage): { scope?: string } {
  const scope = new URLSearchParams(url.split('?')[1]).get('scope')
  return method === 'DELETE' && scope !== null ? { scope } : {}
}

/** Calls whose answer is a value, which shells can have without JSON around it. */
const inText: readonly HelperMethod[] = ['variable.get', 'variable.increment', 'variable.append']

function answerValue(response: ServerResponse, ok: unknown, name = ''): void {
  const { exists = true, value } = ok as { exists?: boolean; value?: unknown }
  if (!exists) throw new AppError('not_found', `there is no variable ${name}`)
  answerText(response, typeof value === 'string' ? value : JSON.stringify(value))
}

async function answered(desk: Desk, call: HelperCall): Promise<unknown> {
  const answer = await desk.call(call)
  if ('error' in answer) throw new AppError(codeOf(answer.error.code), answer.error.message)
  return answer.ok
}

function keyOf({ headers }: IncomingMessage): { key?: string } {
  const key = headers['idempotency-key']
  if (key === undefined) return {}
  if (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key)) return { key }
  throw new AppError('invalid_argument', 'Idempotency-Key has up to 200 ASCII characters without spaces')
}

async function giveEvent({ response, desk, dir }: Asked): Promise<void> {
  answerJson(response, (await eventOf(dir)) ?? (await answered(desk, { method: 'event.get', params: {} })))
}

async function eventOf(dir: string): Promise<{ input?: { type: string } | null } | null> {
  const text = await readFile(join(dir, helperFiles.event), 'utf8').catch(() => null)
  return text === null ? null : (JSON.parse(text) as object)
}

async function giveInputOf({ request, response, desk, dir }: Asked): Promise<void> {
  await giveInput(request, response, desk, await smallInput(dir))
}

async function smallInput(dir: string): Promise<SmallInput | null> {
  const path = join(dir, helperFiles.input)
  if (!existsSync(path)) return null
  return { path, type: (await eventOf(dir))?.input?.type ?? plain }
}

const plain = 'application/octet-stream'

async function takeOutput({ request, response, desk }: Asked): Promise<void> {
  const type = request.headers['content-type'] ?? null
  if (type !== null && !/^[\x20-\x7e]{1,200}$/.test(type)) {
    throw new AppError('invalid_argument', 'Content-Type has up to 200 ASCII characters')
  }
  await desk.putOutput(type, request as AsyncIterable<Uint8Array>)
  answerNothing(response)
}
