/** `certs ls`: every page, and the table. */
import type { ApiCalls } from '../api/client.ts'
import type { CertificateAuthority, certificateRoles, certificateStates } from '../api/contract/certificates.ts'
import type { Certificate } from '../api/contract/index.ts'
import { paint, printable, table, terminalWidth } from './render.ts'
import { showAgo, showDuration, showEnd } from './units.ts'

export type CertificateState = (typeof certificateStates)[number]

/** Those that can be used, now or again. */
export const inUse: CertificateState[] = ['valid', 'ends_soon', 'suspended']

export interface ListWish {
  role?: (typeof certificateRoles)[number][]
  state?: CertificateState[]
  name?: string
  all?: boolean
  limit: number
}

export async function list(
  { certificates }: Pick<ApiCalls, 'certificates'>,
  { role, state, name, all, limit }: ListWish,
): Promise<Certificate[]> {
  const wanted = all ? Infinity : limit
  const found: Certificate[] = []
  let cursor: string | undefined
  while (found.length < wanted) {
    const filter = {
      role: role?.join(','),
      state: (state ?? (all ? undefined : inUse))?.join(','),
      ...{ name, cursor, limit: Math.min(200, wanted - found.length) },
    }
    const page = await certificates.list(filter)
    found.push(...page.certificates)
    if (page.next_cursor === null) break
    cursor = page.next_cursor
  }
  return found
}

const colours: Record<CertificateState, Parameters<typeof paint>[0]> = {
  ...{ valid: 'green', ends_soon: 'yellow', suspended: 'yellow', ended: 'dim', revoked: 'red', spent: 'dim' },
}

export function listing(found: Certificate[], width = terminalWidth()): string {
  const columns = ['ID', 'NAME', 'ROLE', 'STATE', 'ENDS', 'LAST USED', 'ISSUED BY'].map((title) => ({
    title,
    shrinks: title === 'NAME',
  }))
  const rows = found.map((one) => [
    one.id,
    one.role === 'enrol' && one.name === '*' ? '(any)' : printable(one.name),
    one.role,
    paint(colours[one.state], one.state.replaceAll('_', ' ')),
    ending(one.ends_at),
    one.last_used_at === null ? 'never' : showAgo(one.last_used_at),
    printable(one.issued_by),
  ])
  return table(columns, rows, width)
}

/** Newest first, as they come. */
export function authorityLine(authorities: Pick<CertificateAuthority, 'id' | 'ends_at'>[]): string {
  const each = authorities.map(({ id, ends_at }) => `${id} until ${showEnd(ends_at)}`)
  return each.length === 1
    ? `the authority ends on ${showEnd(authorities[0]!.ends_at)}`
    : `${each.length} authorities are trusted: ${each.join(', ')}`
}

/** The day; within two of them, how long. */
export function ending(iso: string, now = Date.now()): string {
  const left = Date.parse(iso) - now
  return left > 0 && left < 2 * 86_400_000 ? `in ${showDuration(left)}` : iso.slice(0, 10)
}
