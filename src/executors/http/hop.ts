/** One request to one address that the guard has let through, without redirects. Node's own client: a proxy of the
 * environment is not asked, and the socket goes to exactly the address that was checked. */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import type { AddressGuard } from '../../lib/address-guard.ts'

export interface Hop {
  url: URL
  method: string
  headers: Record<string, string>
  body: Uint8Array | AsyncIterable<Uint8Array> | null
  guard: AddressGuard
  signal: AbortSignal
  /** Instead of the system's; tests put a name server of their own here. */
  lookup?: typeof dnsLookup
}

/** The guard said no: another try will not help. */
export class NotAllowed extends Error {}

export const plainHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')
export const portOf = (url: URL): number => Number(url.port || (url.protocol === 'https:' ? 443 : 80))

export async function requestOnce(hop: Hop): Promise<IncomingMessage> {
  const { url, method, headers, body, guard, signal } = hop
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new NotAllowed(`${url.protocol}// is not allowed: http and https only`)
  }
  const host = plainHost(url)
  // For a literal nobody asks `lookup`.
  if (isIP(host) !== 0 && !guard.mayConnect(host, portOf(url), host)) throw notAllowed(url, host)
  const options: RequestOptions = { method, headers, signal, agent: false, lookup: guarded(hop) }
  const sent = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options)
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve)
    sent.once('error', reject)
    sent.once('socket', (socket) =>
      socket.once('connect', () => {
        const at = socket.remoteAddress
        if (at === undefined || !guard.mayConnect(host, portOf(url), unmapped(at)))
          sent.destroy(notAllowed(url, at ?? '?'))
      }),
    )
  })
  answered.catch(() => {})
  if (body === null || body instanceof Uint8Array) sent.end(body ?? undefined)
  else {
    // An answer before the body's end closes the pipe, and the answer is what counts.
    pipeline(Readable.from(body), sent).catch((error: unknown) => sent.destroy(error as Error))
  }
  return answered
}

/** A socket that listens on both kinds shows IPv4 so. */
const unmapped = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')

const notAllowed = (url: URL, address: string): NotAllowed =>
  new NotAllowed(
    `${url.host} is at ${address}, which is not a public address: an administrator may allow it with RUNYARD_HTTP_ALLOW`,
  )

/** Answers only addresses that may be connected to, so that the socket cannot take another one. */
const guarded =
  ({ url, guard, lookup = dnsLookup }: Hop): LookupFunction =>
  (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      const answer = callback as (error: Error | null, address?: string | LookupAddress[], family?: number) => void
      if (error !== null) return answer(error)
      const all = found as unknown as LookupAddress[]
      const allowed = all.filter(({ address }) => guard.mayConnect(plainHost(url), portOf(url), address))
      if (allowed.length === 0) return answer(notAllowed(url, all[0]?.address ?? 'no address'))
      if (options.all) return answer(null, allowed)
      answer(null, allowed[0]!.address, allowed[0]!.family)
    })
  }
