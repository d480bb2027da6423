/**
 * Where a job with network "egress" may connect to: the job's own list, under the administrator's
 * (`RUNYARD_EGRESS_ALLOW`). An entry is `host[:port]`: a name, a name with `*.` before it (the subdomains, not the domain
 * itself), an address, or an address block in CIDR form; an IPv6 one in brackets when a port follows. Without a port: 80
 * and 443.
 */
import { isIP } from 'node:net'
import * as z from 'zod'

export const egressLimits = { entries: 100, length: 260 } as const
export const egressPorts = [80, 443] as const

export interface EgressRule {
  /** `name`: lower case; `subdomains`: what follows `*.`; `block`: address and prefix length. */
  to: { name: string } | { subdomains: string } | { block: string; bits: number }
  ports: readonly number[]
}

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const isName = (text: string): boolean => text.length <= 253 && text.split('.').every((part) => label.test(part))

/** Null when it is no entry. */
export function parseEgress(entry: string): EgressRule | null {
  const text = entry.trim().toLowerCase()
  const [, bracketed, bracketPort] = /^\[([0-9a-f:.]+(?:\/\d{1,3})?)\](?::(\d{1,5}))?$/.exec(text) ?? []
  const [, plain, plainPort] = /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  const bareBlock = text.includes('::') || text.split(':').length > 2 ? text : undefined
  const host = bracketed ?? plain ?? bareBlock
  const port = bracketPort ?? plainPort
  if (host === undefined || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))) return null
  const to = targetOf(host)
  return to && { to, ports: port === undefined ? egressPorts : [Number(port)] }
}

function targetOf(host: string): EgressRule['to'] | null {
  const [address = '', bits, ...more] = host.split('/')
  const version = isIP(address)
  if (version !== 0) {
    const widest = version === 4 ? 32 : 128
    const length = bits === undefined ? widest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    return more.length === 0 && length <= widest ? { block: address, bits: length } : null
  }
  if (bits !== undefined || /^[\d.]+$/.test(host)) return null
  if (host.startsWith('*.')) return isName(host.slice(2)) ? { subdomains: host.slice(2) } : null
  return isName(host) ? { name: host } : null
}

export const egressSchema = z
  .array(
    z
      .string()
      .max(egressLimits.length)
      .refine(
        (entry) => parseEgress(entry) !== null,
        'is no destination: e.g. api.example.com, *.example.com:8443, 10.1.0.0/16:5432',
      ),
  )
  .min(1, 'must name a destination, or use network "none"')
  .max(egressLimits.entries, `at most ${egressLimits.entries} destinations`)
