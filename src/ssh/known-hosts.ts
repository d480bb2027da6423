/** Lines of a known_hosts file: the keys that it has for one host. Pure. */
import { createHmac } from 'node:crypto'
import { hostKeyType, type PinnedKey } from '../job/host.ts'
import { keyOf, sameKey } from './host-keys.ts'

/**
 * Those of any of the addresses, as OpenSSH would look for them: `address`, with another port than 22 `[address]:port`;
 * plain, with wildcards or hashed. Keys that are marked as revoked are left out; certificates of hosts are not used here.
 */
export function keysInKnownHosts(text: string, addresses: readonly string[], port: number): PinnedKey[] {
  const names = addresses.map((address) => (port === 22 ? address : `[${address}]:${port}`).toLowerCase())
  const found: PinnedKey[] = []
  const revoked: PinnedKey[] = []
  for (const line of text.split(/\r?\n/)) {
    const fields = line.trim().split(/\s+/)
    const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined
    const [patterns, type, encoded] = fields
    if (patterns === undefined || encoded === undefined || patterns.startsWith('#')) continue
    if (!(hostKeyType as readonly string[]).includes(type!) || (marker ?? '@revoked') !== '@revoked') continue
    const key = keyOf(Buffer.from(encoded, 'base64'))
    if (key.type !== type || !names.some((name) => isMeant(patterns, name))) continue
    const among = marker === undefined ? found : revoked
    if (!among.some((one) => sameKey(one, key))) among.push(key)
  }
  return found.filter((key) => !revoked.some((one) => sameKey(one, key)))
}

function isMeant(patterns: string, name: string): boolean {
  const hashed = /^\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)$/.exec(patterns)
  if (hashed) return createHmac('sha1', Buffer.from(hashed[1]!, 'base64')).update(name).digest('base64') === hashed[2]
  const all = patterns.toLowerCase().split(',')
  if (all.some((pattern) => pattern.startsWith('!') && fits(pattern.slice(1), name))) return false
  return all.some((pattern) => fits(pattern, name))
}

function fits(pattern: string, name: string): boolean {
  // Backtracking over many stars takes its time; no file has them.
  if (pattern.length > 300 || pattern.split('*').length > 5) return false
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${source.replaceAll(String.raw`\*`, '.*').replaceAll(String.raw`\?`, '.')}$`).test(name)
}
