/** A request with its redirects: each hop is checked like the first, and nothing secret goes to another origin. */
import type { IncomingMessage } from 'node:http'
import type { HttpRequest } from '../../job/http-request.ts'
import { httpLimits } from '../../job/http-request.ts'
import { NotAllowed, requestOnce, type Hop } from './hop.ts'

export interface Answer {
  response: IncomingMessage
  url: URL
  hops: number
}

type Rest = Pick<Hop, 'guard' | 'signal' | 'lookup'> & {
  body: Hop['body']
  /** Each hop is told: method and address without its query. */
  say(line: string): void
}

/** What goes along to another origin: nothing that somebody wrote, since any of it may be a key. */
const harmless = new Set(['accept', 'accept-language', 'accept-encoding', 'user-agent'])

export async function follow(
  request: Pick<HttpRequest, 'method' | 'follow_redirects'>,
  first: { url: URL; headers: Record<string, string> },
  { body, say, ...rest }: Rest,
): Promise<Answer> {
  let { url, headers } = first
  let method: string = request.method
  let sending = body
  for (let hops = 0; ; hops++) {
    say(`${method} ${url.origin}${url.pathname}`)
    const response = await requestOnce({ url, method, headers, body: sending, ...rest })
    const next = request.follow_redirects ? nextOf(response, url) : null
    if (next === null) return { response, url, hops }
    response.destroy()
    const status = response.statusCode!
    if (hops >= httpLimits.redirects) throw new NotAllowed(`more than ${httpLimits.redirects} redirects`)
    if (next.protocol !== 'http:' && next.protocol !== 'https:') {
      throw new NotAllowed(`redirected to ${next.protocol}//, which is not http or https`)
    }
    if (url.protocol === 'https:' && next.protocol === 'http:') {
      throw new NotAllowed(`redirected from https to http (${next.host}): give the final address if that is meant`)
    }
    say(`redirected (${status}) to ${next.origin}${next.pathname}`)
    const asGet = status === 303 ? method !== 'HEAD' : (status === 301 || status === 302) && method === 'POST'
    if (asGet) {
      method = 'GET'
      sending = null
      headers = without(headers, (name) => name.startsWith('content-') || name === 'transfer-encoding')
    }
    if (next.origin !== url.origin) {
      if (sending !== null) {
        throw new NotAllowed(
          `redirected to ${next.origin}, which would get the body too: give the final address if that is meant`,
        )
      }
      headers = without(headers, (name) => !harmless.has(name))
    } else if (sending !== null && !(sending instanceof Uint8Array)) {
      throw new NotAllowed('redirected, and the body, a stream, cannot be sent twice: give the final address')
    }
    url = next
  }
}

const without = (headers: Record<string, string>, drop: (name: string) => boolean): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !drop(name.toLowerCase())))

function nextOf({ statusCode, headers }: IncomingMessage, from: URL): URL | null {
  if (![301, 302, 303, 307, 308].includes(statusCode!) || headers.location === undefined) return null
  if (!URL.canParse(headers.location, from.href)) throw new NotAllowed('redirected to an address that is none')
  const next = new URL(headers.location, from.href)
  next.username = ''
  next.password = ''
  next.hash = ''
  return next
}
