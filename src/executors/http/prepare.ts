/** From the request as it was written to what is sent. */
import { StartRefused } from '../executor.ts'
import type { HttpRequest } from '../../job/http-request.ts'
import type { AttemptResults } from './results.ts'

export interface Prepared {
  url: URL
  headers: Record<string, string>
  body: Uint8Array | AsyncIterable<Uint8Array> | null
}

export async function prepare(request: HttpRequest, results: Pick<AttemptResults, 'openInput'>): Promise<Prepared> {
  const url = addressOf(request)
  const headers: Record<string, string> = { 'user-agent': 'Runyard', accept: '*/*' }
  const set = (name: string, value: string): void => {
    headers[name.toLowerCase()] = checked(name, value)
  }
  const body = await bodyOf(request, results, set)
  for (const [name, value] of Object.entries(request.headers)) set(name, value)
  for (const name of ours) delete headers[name]
  if (url.username !== '' || url.password !== '')
    set('authorization', basic(decodeURIComponent(url.username), decodeURIComponent(url.password)))
  url.username = ''
  url.password = ''
  const { auth } = request
  if (auth?.type === 'basic') set('authorization', basic(auth.username, auth.password))
  if (auth?.type === 'bearer') set('authorization', `Bearer ${auth.token}`)
  if (auth?.type === 'header') set(auth.name, auth.value)
  if (body instanceof Uint8Array) headers['content-length'] = String(body.length)
  return { url, headers, body }
}

/** Of the connection, not of the request. */
const ours = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'keep-alive',
  'te',
  'trailer',
  'expect',
]

const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

function addressOf({ url: text, query }: HttpRequest): URL {
  if (!URL.canParse(text))
    throw new StartRefused('refused', 'request.url is no address, e.g. https://example.com/health')
  const url = new URL(text)
  for (const [name, value] of Object.entries(query)) url.searchParams.append(name, value)
  url.hash = ''
  return url
}

/** A secret with a line break in it would begin another header. */
function checked(name: string, value: string): string {
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new StartRefused(
      'refused',
      `the header ${name} has a line break or another character that headers cannot have`,
    )
  }
  return value
}

async function bodyOf(
  request: HttpRequest,
  results: Pick<AttemptResults, 'openInput'>,
  set: (name: string, value: string) => void,
): Promise<Prepared['body']> {
  if (request.body_from_input) {
    const input = await results.openInput()
    if (input === null) return null
    set('content-type', input.type)
    return input.body
  }
  const { body } = request
  if (body === undefined) return null
  set('content-type', typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json')
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}
