/**
 * Where a job with network "egress" may connect to: the job's own list, under the administrator's
 * (`RUNYARD_EGRESS_ALLOW`). An entry is `host[:port]`: a name, a name with `*.` before it (the subdomains, not the domain
 * itself), an address, or an address block in CIDR form; an IPv6 one in brackets when a port follows. Without a port: 80
 * and 443. The administrator may also write `**`, which is every public address under every name.
 *
 * Both lists are asked the same: a name leads only to public addresses, since what it means is for its owner to say, at
 * any moment. An address that is not public must be in an entry that is an address or a block.
 */
import { BlockList, isIP } from 'node:net'
import { isPublic } from './address-guard.ts'

export const egressPorts = [80, 443] as const

export interface EgressRule {
  /** `name`: lower case; `subdomains`: what follows `*.`; `block`: address and prefix length. */
  to: { name: string } | { subdomains: string } | { block: string; bits: number } | { anywhere: true }
  ports: readonly number[]
}

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
/** A resolver takes `127.1`, `0x7f.1` and `2130706433` for addresses. */
const endsInNumber = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/

/** A host name in lower case and without the dot at its end. */
export const isHostName = (text: string): boolean =>
  text.length <= 253 && text.split('.').every((part) => label.test(part)) && !endsInNumber.test(text)

/** Null when it is no entry. */
export function parseEgress(entry: string): EgressRule | null {
  const { host, port } = split(entry)
  const to = host === undefined ? null : targetOf(host)
  const ports = portsOf(port)
  return to && ports && { to, ports }
}

/** Of the administrator. */
export function parseEgressAllow(entry: string): EgressRule | null {
  const [, port] = /^\*\*(?::(\d{1,5}))?$/.exec(entry.trim()) ?? [undefined, null]
  if (port === null) return parseEgress(entry)
  const ports = portsOf(port)
  return ports && { to: { anywhere: true }, ports }
}

function split(entry: string): { host?: string | undefined; port?: string | undefined } {
  const text = entry.trim().toLowerCase()
  const [, bracketed, afterBracket] = /^\[([0-9a-f:.]+:[0-9a-f:.]*(?:\/\d{1,3})?)\](?::(\d{1,5}))?$/.exec(text) ?? []
  if (bracketed !== undefined) return { host: bracketed, port: afterBracket }
  if (text.split(':').length > 2) return { host: text }
  const [, host, port] = /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  return { host, port }
}

function portsOf(text: string | undefined): readonly number[] | null {
  if (text === undefined) return egressPorts
  const port = Number(text)
  return port >= 1 && port <= 65_535 ? [port] : null
}

function targetOf(host: string): EgressRule['to'] | null {
  const [address = '', bits, ...more] = host.split('/')
  const version = isIP(address)
  if (version !== 0) {
    // It is asked for as IPv4, so this would permit nothing.
    if (address.includes('%') || (version === 6 && mapped.check(address, 'ipv6'))) return null
    const widest = version === 4 ? 32 : 128
    const length = bits === undefined ? widest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    return more.length === 0 && length <= widest ? { block: address, bits: length } : null
  }
  if (bits !== undefined) return null
  if (host.startsWith('*.')) return isHostName(host.slice(2)) ? { subdomains: host.slice(2) } : null
  return isHostName(host) ? { name: host } : null
}

const mapped = new BlockList()
mapped.addSubnet('::ffff:0:0', 96, 'ipv6')

/** Whether everything that the job's entry names is in the administrator's list. False for what is no entry. */
export function isCovered(entry: string, allow: readonly string[]): boolean {
  const rule = parseEgress(entry)
  if (rule === null) return false
  const allowed = rulesOf(allow)
  return rule.ports.every((port) => allowed.some(({ to, ports }) => ports.includes(port) && contains(to, rule.to)))
}

/** What is no entry permits nothing. */
export const rulesOf = (entries: readonly string[]): EgressRule[] =>
  entries.flatMap((entry) => parseEgressAllow(entry) ?? [])

function contains(outer: EgressRule['to'], inner: EgressRule['to']): boolean {
  // By its first address; each one that is connected to is asked again.
  if ('anywhere' in outer) return !('block' in inner) || isPublic(inner.block)
  if ('name' in outer) return 'name' in inner && inner.name === outer.name
  if ('subdomains' in outer) {
    const name = 'name' in inner ? inner.name : 'subdomains' in inner ? `*.${inner.subdomains}` : ''
    return name.endsWith(`.${outer.subdomains}`)
  }
  return 'block' in inner && inner.bits >= outer.bits && isIn(outer, inner.block)
}

/** `address`: without a zone, and IPv4 as IPv4. */
export function isIn({ block, bits }: { block: string; bits: number }, address: string): boolean {
  const [version, wanted] = [isIP(block), isIP(address)]
  if (wanted === 0 || version !== wanted) return false
  const list = new BlockList()
  const family = version === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(block, bits, family)
  return list.check(address, family)
}
