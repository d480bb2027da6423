/**
 * The gate in HTTP: `CONNECT host:port`, and requests with a whole address in their first line. Requests are read and
 * written anew, never passed on as they came, so nothing can hide a second one in them; where they go is said by that
 * address alone, and the Host header follows it.
 */
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { NotConnected, type Gate, type NoWay } from './gate.ts'
import { idleMs, join, sayLast } from './join.ts'

const statusOf: Record<NoWay, [code: number, text: string]> = {
  refused: [403, 'Forbidden'],
  unknown: [502, 'Bad Gateway'],
  unreachable: [502, 'Bad Gateway'],
  late: [504, 'Gateway Timeout'],
}
/** Of the connection to us, not of the request. */
const ofConnection = new Set(
  'connection keep-alive proxy-connection proxy-authorization proxy-authenticate te trailer transfer-encoding upgrade expect'.split(
    ' ',
  ),
)

/** It is given connections; it listens nowhere. */
export function createHttpProxy(gate: Gate): Server {
  const server = createServer(
    { maxHeaderSize: 32 * 1024, headersTimeout: 30_000, requestTimeout: 0, keepAliveTimeout: 60_000 },
    (asked, answer) => {
      forward(gate, asked, answer).catch((error: unknown) => {
        if (answer.headersSent) return void answer.destroy()
        const [code, , words] = sayable(error)
        answer.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(words)
      })
    },
  )
  server.on('connect', (asked: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => {}) // `close` follows
    openTunnel(gate, asked, client, head).catch((error: unknown) => {
      const [code, text, words] = sayable(error)
      sayLast(client, `HTTP/1.1 ${code} ${text}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n${words}`)
    })
  })
  server.on('clientError', (_error, client: Duplex) => {
    if (client.writable) sayLast(client, 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    else client.destroy()
  })
  return server
}

class BadRequest extends Error {}

function sayable(error: unknown): [code: number, text: string, words: string] {
  const words = `runyard: ${(error as Error).message}\n`
  if (error instanceof NotConnected) return [...statusOf[error.kind], words]
  return error instanceof BadRequest ? [400, 'Bad Request', words] : [502, 'Bad Gateway', words]
}

async function openTunnel(gate: Gate, { url = '' }: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
  const [, address, name, port] = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,254})):(\d{1,5})$/i.exec(url) ?? []
  if (port === undefined || Number(port) < 1 || Number(port) > 65_535) throw new BadRequest('CONNECT needs host:port')
  const server = await gate.connect((address ?? name)!, Number(port))
  if (client.destroyed) return void server.destroy()
  client.write('HTTP/1.1 200 Connection established\r\n\r\n')
  if (head.length > 0) server.write(head)
  join(client, server)
}

async function forward(gate: Gate, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const url = addressOf(asked.url ?? '')
  const coding = asked.headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    throw new BadRequest('only chunked bodies are passed on')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const socket = await gate.connect(host, Number(url.port || 80))
  if (answer.destroyed) return void socket.destroy()
  const headers = ['host', url.host, ...passedOn(asked), 'connection', 'close']
  if (coding !== undefined) headers.push('transfer-encoding', 'chunked')
  const sent = request({
    createConnection: () => socket,
    method: asked.method ?? 'GET',
    path: `${url.pathname}${url.search}`,
    headers,
    setHost: false,
    insecureHTTPParser: false,
  })
  socket.setTimeout(idleMs, () => socket.destroy())
  answer.once('close', () => sent.destroy())
  const answered = answerTo(sent)
  // An answer before the body's end closes the pipe, and the answer is what counts.
  pipeline(asked, sent).catch(() => {})
  const got = await answered
  answer.sendDate = false
  answer.writeHead(got.statusCode!, got.statusMessage, passedOn(got))
  await pipeline(got, answer)
}

function answerTo(sent: ReturnType<typeof request>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve)
    sent.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new NotConnected('unreachable', `the connection ended without an answer (${error.code ?? error.message})`),
      ),
    )
    // Another protocol on this connection would be one that nobody reads any more.
    sent.once('upgrade', (_response, socket: Socket) => {
      socket.destroy()
      reject(new NotConnected('unreachable', 'the server wants to change the protocol: use CONNECT for that'))
    })
  })
}

function addressOf(text: string): URL {
  const url = /^http:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : null
  if (url === null) throw new BadRequest('a request to a proxy has a whole http:// address; for https use CONNECT')
  return url
}

/** Names and values in turn, as they came, repeated ones too. */
function passedOn({ rawHeaders, headers }: IncomingMessage): string[] {
  const named = (headers.connection ?? '').toLowerCase().split(/\s*,\s*/)
  const passed: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    if (name === 'host' || ofConnection.has(name) || (named.includes(name) && name !== 'content-length')) continue
    passed.push(rawHeaders[i]!, rawHeaders[i + 1]!)
  }
  return passed
}
