/** A runner that speaks PROTOCOL.md and keeps all in memory, with the troubles that a test orders. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface Input {
  type: string
  bytes: Buffer
}

/** What became of a request before it was looked at. */
type Trouble = 'slow down' | 'unavailable' | 'cut' | 'answer lost'

export interface FakeRunner {
  token: string
  input: Input | null
  output: { type: string | undefined; size: number; sha256: string; bytes: Buffer } | null
  condition: boolean | null
  progress: object | null
  messages: object[]
  variables: Map<string, unknown>
  /** That the last change of a variable asked for. */
  scope: unknown
  /** Each takes one request. */
  troubles: Trouble[]
  requests: number
  listen(): Promise<void>
  close(): Promise<void>
}

const mostKept = 2 * 1024 ** 2
/** Seconds; long enough to be told from the pause of a client that does not look at it. */
export const retryAfter = 0.5
const wholeNumber = /^-?\d+$/

export function createFakeRunner(socket: string): FakeRunner {
  let server: Server | null = null
  const answers = new Map<string, object>()
  const runner: FakeRunner = {
    ...{ token: 'of-this-attempt', input: null, output: null, condition: null, progress: null, messages: [] },
    ...{ variables: new Map(), scope: undefined, troubles: [], requests: 0 },
    async listen() {
      server = createServer((request, response) => {
        take(request, response).catch((error: unknown) => {
          // One that is read no further.
          if (response.headersSent) response.destroy()
          else refuse(response, 500, 'internal', String(error))
        })
      })
      await new Promise<void>((resolve) => server!.listen(socket, resolve))
    },
    async close() {
      server?.closeAllConnections()
      await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)))
    },
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    runner.requests++
    const trouble = runner.troubles.shift()
    if (trouble === 'cut') return void request.socket.destroy()
    if (trouble === 'slow down') response.setHeader('retry-after', String(retryAfter))
    if (trouble === 'slow down') return refuse(response, 429, 'resource_exhausted', 'at most 200 requests a second')
    if (trouble === 'unavailable') return refuse(response, 503, 'unavailable', 'not now')
    if (request.headers.authorization !== `Bearer ${runner.token}`)
      return refuse(response, 401, 'unauthenticated', 'the token of this attempt is wanted')
    const url = new URL(request.url!, 'http://runyard')
    if (url.pathname === '/v1/input') return giveInput(response)
    if (url.pathname === '/v1/output') return takeOutput(request, response)
    const key = request.headers['idempotency-key'] as string | undefined
    const found =
      (key !== undefined && answers.get(key)) ||
      act(`${request.method} ${url.pathname}`, { ...Object.fromEntries(url.searchParams), ...(await bodyOf(request)) })
    if (key !== undefined) answers.set(key, found)
    if (trouble === 'answer lost') return void request.socket.destroy()
    if ('refused' in found) return refuse(response, 400, 'invalid_argument', String(found.refused))
    const inText = request.headers.accept === 'text/plain'
    if (inText && 'exists' in found && !found.exists) return refuse(response, 404, 'not_found', 'no such variable')
    const plain = inText && 'value' in found
    const { value } = found as { value?: unknown }
    const text = plain && typeof value === 'string' ? value : JSON.stringify(plain ? value : found)
    response.setHeader('content-length', Buffer.byteLength(text))
    response.end(text)
  }

  async function giveInput(response: ServerResponse): Promise<void> {
    if (runner.input === null) return void response.writeHead(204).end()
    const { type, bytes } = runner.input
    response.writeHead(200, { 'content-type': type, 'content-length': bytes.length })
    await pipeline(Readable.from(pieces(bytes)), response)
  }

  async function takeOutput(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sum = createHash('sha256')
    const kept: Buffer[] = []
    let size = 0
    for await (const piece of request as AsyncIterable<Buffer>) {
      sum.update(piece)
      size += piece.length
      if (size <= mostKept) kept.push(piece)
    }
    const type = request.headers['content-type']
    runner.output = { type, size, sha256: sum.digest('hex'), bytes: Buffer.concat(kept) }
    response.writeHead(204).end()
  }

  function act(asked: string, body: Record<string, unknown>): object {
    const [, method, encoded, what] = /^(\w+) \/v1\/variables\/([^/]+)(?:\/(\w+))?$/.exec(asked) ?? []
    if (encoded !== undefined) return variable(method!, decodeURIComponent(encoded), what, body)
    switch (asked) {
      case 'GET /v1/health':
        return { ok: true }
      case 'GET /v1/event':
        return { id: 'evt1', name: 'Ünï "x"', attempt: 2, input: runner.input && { type: runner.input.type } }
      case 'GET /v1/variables':
        return { names: [...runner.variables.keys()].map((name) => ({ name, scope: 'user', secret: false })) }
      case 'POST /v1/condition':
        runner.condition = body.value as boolean
        return {}
      case 'POST /v1/progress':
        runner.progress = body
        return {}
      case 'POST /v1/messages':
        return { delivery_id: `d${runner.messages.push(body)}` }
      default:
        return { refused: `there is nothing at ${asked}` }
    }
  }

  function variable(method: string, name: string, what: string | undefined, body: Record<string, unknown>): object {
    const { variables } = runner
    if ('tooLarge' in body) return { refused: 'value: give it as text' }
    if (method !== 'GET') runner.scope = body.scope
    if (method === 'GET') return variables.has(name) ? { exists: true, value: variables.get(name) } : { exists: false }
    if (method === 'DELETE') return { existed: variables.delete(name) }
    const was = variables.get(name)
    if (what === 'increment') variables.set(name, Number(was ?? 0) + Number(body.by ?? 1))
    else if (what === 'append') variables.set(name, String(was ?? '') + String(body.text))
    else variables.set(name, body.value)
    return what === undefined ? { version: '1' } : { value: variables.get(name) }
  }

  return runner
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  const text = Buffer.concat(parts).toString() || '{}'
  let exact = true
  const value = JSON.parse(text, (_key, each: unknown, { source = '' }: { source?: string } = {}) => {
    if (typeof each === 'number' && wholeNumber.test(source) && !Number.isSafeInteger(each)) exact = false
    return each
  }) as Record<string, unknown>
  return exact ? value : { tooLarge: true }
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  const text = JSON.stringify({ error: { code, message } })
  response.writeHead(status, { 'content-length': Buffer.byteLength(text) }).write(text)
  // As the real one: ended at once, the connection would be closed while its client is still sending.
  if (response.req.complete) response.end()
  else response.req.once('end', () => response.end()).resume()
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}
