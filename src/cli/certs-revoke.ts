/** `certs revoke`: one by its id, or every one of a name. */
import type { ApiCalls } from '../api/client.ts'
import type { Certificate } from '../api/contract/index.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { inUse, list } from './certs-list.ts'
import { confirm } from './prompt.ts'
import { printable } from './render.ts'

type Calls = Pick<ApiCalls, 'certificates'>

export interface Revoked {
  revoked: Certificate[]
  /** Of the same name, and not revoked. */
  others: number
}

/** Undefined: nobody wanted it. */
export async function revokeByIdOrName(
  calls: Calls,
  given: string,
  options: { reason?: string; yes?: boolean },
): Promise<Revoked | undefined> {
  return (
    (/^\d{1,18}$/.test(given) ? await byId(calls, given, options.reason) : undefined) ?? byName(calls, given, options)
  )
}

/** Undefined: no certificate has that id, so it may be a name. */
async function byId(calls: Calls, id: string, reason?: string): Promise<Revoked | undefined> {
  try {
    const revoked = await calls.certificates.revoke({ id, reason })
    return { revoked: [revoked], others: (await holding(calls, revoked.name)).length }
  } catch (error) {
    if (isAppError(error) && error.code === 'not_found') return undefined
    throw error
  }
}

const holding = (calls: Calls, name: string): Promise<Certificate[]> =>
  list(calls, { name, state: inUse, limit: Infinity })

async function byName(
  calls: Calls,
  name: string,
  { reason, yes }: { reason?: string; yes?: boolean },
): Promise<Revoked | undefined> {
  let found = await holding(calls, name)
  if (found.length === 0) throw new AppError('not_found', `no certificate of ${printable(name)} can be used now`)
  if (found.length > 1 && yes !== true) {
    const what = `${found.length} certificates of ${printable(name)}`
    if (!process.stdin.isTTY)
      throw new AppError('invalid_argument', `${what} would end: add --yes, or name one by its id`)
    if (!(await confirm(`Revoke ${what}?`))) return undefined
  }
  const revoked: Certificate[] = []
  // A runner may be renewing just now: until none is left.
  for (; found.length > 0; found = await holding(calls, name)) {
    for (const { id } of found) revoked.push(await calls.certificates.revoke({ id, reason }))
  }
  return { revoked, others: 0 }
}
