/**
 * Where HTTP jobs may go: to addresses of the public internet, and to what the administrator allows besides. Asked for
 * the address that a socket is about to connect to, never for a name, which may mean something else a moment later.
 */
import { BlockList, isIP, isIPv6 } from 'node:net'

/** From the registries of special-purpose addresses (RFC 6890 and its successors), and what translates to or wraps one. */
const reserved: [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
/** All of IPv6 that is public is in 2000::/3; these are inside it and are not. */
const reservedWithin: [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const blocked = new BlockList()
for (const [net, bits] of reserved) blocked.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of reservedWithin) blocked.addSubnet(net, bits, 'ipv6')
const unicast = new BlockList()
unicast.addSubnet('2000::', 3, 'ipv6')

/** `address`: as `dns.lookup` or a socket has it. */
export function isPublic(address: string): boolean {
  const plain = withoutZone(address)
  const kind = isIP(plain)
  if (kind === 0) return false
  if (kind === 4) return !blocked.check(plain, 'ipv4')
  return unicast.check(plain, 'ipv6') && !blocked.check(plain, 'ipv6')
}

const withoutZone = (address: string): string => address.replace(/%.*$/, '')

export interface AddressGuard {
  /** `host` as in the URL, e.g. `intranet.example` or `[::1]`; `port` as a number. */
  mayConnect(host: string, port: number, address: string): boolean
}

interface Rule {
  port: number | null
  hosts(host: string, address: string): boolean
}

/** `allow`: addresses, networks (`10.1.0.0/16`) and host names (`*.corp.example`), each with a port or without. */
export function createAddressGuard(allow: readonly string[]): AddressGuard {
  const rules = allow.map(ruleOf)
  return {
    mayConnect: (host, port, address) =>
      isPublic(address) || rules.some((rule) => (rule.port ?? port) === port && rule.hosts(bare(host), address)),
  }
}

/** What is wrong with an entry of the list; null: nothing. */
export function allowProblem(entry: string): string | null {
  try {
    ruleOf(entry)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function ruleOf(entry: string): Rule {
  const wrong = (): never => {
    throw new Error(
      `${entry} is no address, network (10.1.0.0/16) or host name (*.corp.example), each with :port or without`,
    )
  }
  const [, bracketed, open, portText] =
    /^(?:\[([^\]]+)\]|([^:]+(?::[^:]*){2,}|[^:]+))(?::(\d{1,5}))?$/.exec(entry.trim()) ?? wrong()
  const what = (bracketed ?? open)!
  const port = portText === undefined ? null : Number(portText)
  if (port !== null && (port < 1 || port > 65_535)) wrong()
  const [net, bits, ...rest] = what.split('/')
  const kind = isIP(net!)
  if (kind !== 0) {
    const most = kind === 4 ? 32 : 128
    const size = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : NaN
    if (rest.length > 0 || !(size >= 0 && size <= most)) wrong()
    const list = new BlockList()
    list.addSubnet(net!, size, kind === 4 ? 'ipv4' : 'ipv6')
    return {
      port,
      hosts: (_, address) => {
        const plain = withoutZone(address)
        return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
      },
    }
  }
  if (!/^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(what)) wrong()
  const name = what.toLowerCase()
  const suffix = name.startsWith('*.') ? name.slice(1) : null
  return {
    port,
    hosts: (host) => (suffix === null ? host === name : host.endsWith(suffix) && host.length > suffix.length),
  }
}

const bare = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
