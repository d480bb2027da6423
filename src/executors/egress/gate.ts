/**
 * Whom one attempt may talk to: asked for every connection, with the name that was wanted and with the address that the
 * socket is about to get, so that a name which means something else a moment later (DNS rebinding) gains nothing. A name
 * that no entry has is not even looked up: a look-up of `what-i-found.evil.example` is a message to evil.example.
 */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { connect as netConnect, isIP, type LookupFunction, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isHostName, isIn, rulesOf, type EgressRule } from '../../lib/egress-rules.ts'
import { isPublic } from '../../lib/address-guard.ts'

/** `refused`: the lists say no. `unknown`: the name means nothing. `unreachable`, `late`: the other side. */
export type NoWay = 'refused' | 'unknown' | 'unreachable' | 'late'

export class NotConnected extends Error {
  readonly kind: NoWay
  constructor(kind: NoWay, message: string) {
    super(message)
    this.kind = kind
  }
}

export interface Gate {
  /** `host`: a name, or an address without brackets. Rejects with NotConnected. */
  connect(host: string, port: number): Promise<Socket>
}

export interface GateOptions {
  /** Of the job, and of the administrator (`lib/egress-rules.ts`). */
  list: readonly string[]
  allow: readonly string[]
  /** `to`: `host:port`. Only what the lists refused. */
  onRefused?(to: string): void
  /** Instead of the system's; tests put a name server of their own here. */
  lookup?: typeof dnsLookup
  connectMs?: number
}

const usualConnectMs = 15_000

export function createGate(options: GateOptions): Gate {
  const { onRefused = () => {}, lookup = dnsLookup, connectMs = usualConnectMs } = options
  const lists = [
    { rules: rulesOf(options.list), whose: "the job's list (egress)" },
    { rules: rulesOf(options.allow), whose: 'what the administrator allows (RUNYARD_EGRESS_ALLOW)' },
  ]
  const refuse = (host: string, port: number, why: string): NotConnected => {
    const to = `${host.includes(':') ? `[${host}]` : host}:${port}`
    onRefused(to)
    return new NotConnected('refused', `${to} ${why}`)
  }
  const mayReach = (host: string, port: number, address: string): boolean =>
    lists.every(({ rules }) => permits(rules, host, port, address))

  const addressesOf = async (host: string, port: number): Promise<LookupAddress[]> => {
    for (const { rules, whose } of lists) {
      if (!rules.some((rule) => rule.ports.includes(port) && isNamed(rule, host)))
        throw refuse(host, port, `is not in ${whose}`)
    }
    const found = await resolve(lookup, host)
    const allowed = found.filter(({ address }) => mayReach(host, port, address))
    if (allowed.length > 0) return allowed
    const at = found[0]?.address ?? 'no address'
    throw refuse(host, port, `is at ${at}, which is not public: both lists must have that address or a block with it`)
  }
  const literal = (address: string, port: number): LookupAddress[] => {
    for (const { rules, whose } of lists) {
      if (!permits(rules, address, port, address)) throw refuse(address, port, `is not in ${whose}`)
    }
    return [{ address, family: isIP(address) }]
  }

  return {
    async connect(wanted, port) {
      const host = plain(wanted)
      const isAddress = isIP(host) !== 0
      if (!isAddress && !isHostName(host)) throw new NotConnected('refused', 'that is no name of a host')
      const addresses = isAddress ? literal(host, port) : await addressesOf(host, port)
      const socket = await opened(addresses, port, connectMs)
      const at = plain(socket.remoteAddress ?? '')
      if (mayReach(host, port, at)) return socket
      socket.destroy()
      throw refuse(host, port, `is at ${at}, which is not allowed`)
    },
  }
}

function isNamed({ to }: EgressRule, host: string): boolean {
  if ('anywhere' in to) return true
  if ('name' in to) return host === to.name
  return 'subdomains' in to && host.endsWith(`.${to.subdomains}`)
}

function permits(rules: readonly EgressRule[], host: string, port: number, address: string): boolean {
  const here = rules.filter(({ ports }) => ports.includes(port))
  const isListed = here.some(({ to }) => 'block' in to && isIn(to, address))
  if (isListed && (host === address || here.some((rule) => isNamed(rule, host)))) return true
  return here.some((rule) => isNamed(rule, host)) && isPublic(address) && !isOurs(address)
}

/** This machine at its public address: what listens there is often meant for itself alone. */
let ours: { addresses: ReadonlySet<string>; at: number } | null = null
const oursForMs = 10_000
function isOurs(address: string): boolean {
  if (ours === null || performance.now() - ours.at > oursForMs) {
    const all = Object.values(networkInterfaces()).flatMap((of) => of ?? [])
    ours = { addresses: new Set(all.map((one) => one.address)), at: performance.now() }
  }
  return ours.addresses.has(address)
}

/** As it is compared: lower case, no dot at the end, IPv4 as IPv4, no zone. */
function plain(host: string): string {
  const text = host.toLowerCase().replace(/\.$/, '')
  if (isIP(text) !== 6) return text
  const short = new URL(`http://[${text.replace(/%.*$/, '')}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short)
  if (!mapped) return short
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function resolve(lookup: typeof dnsLookup, host: string): Promise<LookupAddress[]> {
  return new Promise((done, fail) => {
    lookup(host, { all: true }, (error, found) => {
      if (error) return fail(new NotConnected('unknown', `${host} cannot be found (${error.code ?? error.message})`))
      done(found.map(({ address }) => plain(address)).map((address) => ({ address, family: isIP(address) })))
    })
  })
}

/** To the first of them that answers. */
function opened(addresses: LookupAddress[], port: number, patienceMs: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const [{ address } = { address: '' }] = addresses
    const answer: LookupFunction = (_, { all }, callback) =>
      all ? callback(null, addresses) : callback(null, addresses[0]!.address, addresses[0]!.family)
    // A name that is not asked for: `answer` has the addresses already.
    const socket = netConnect({
      ...(addresses.length === 1 ? { host: address } : { host: 'runyard.invalid', lookup: answer }),
      port,
      allowHalfOpen: true,
      noDelay: true,
    })
    const late = setTimeout(() => {
      socket.destroy()
      fail(new NotConnected('late', `no answer from ${address} port ${port} within ${patienceMs / 1000} s`))
    }, patienceMs)
    socket.once('connect', () => {
      clearTimeout(late)
      socket.off('error', onError)
      done(socket)
    })
    const onError = (error: NodeJS.ErrnoException): void => {
      clearTimeout(late)
      fail(new NotConnected('unreachable', `no connection to ${address} port ${port} (${error.code ?? error.message})`))
    }
    socket.once('error', onError)
  })
}
