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
  /** It was revoked before, then. */
  before: string | null
}

/** Undefined: nobody wanted it. */
export async function revokeByIdOrName(
  calls: Calls,
  given: string,
  options: { reason?: string; yes?: boolean },
): Promise<Revoked | undefined> {
  return /^\d+$/.test(given) ? byId(calls, given, options.reason) : byName(calls, given, options)
}

/** A number is never taken for a name: a mistyped id must not end what somebody called so. */
async function byId(calls: Calls, id: string, reason?: string): Promise<Revoked> {
  const none = (cause?: unknown): AppError =>
    new AppError('not_found', `no certificate has the id ${id}; they are in runyard certs ls --all`, { cause })
  if (id.length > 18) throw none()
  const revoked = await calls.certificates.revoke({ id, reason }).catch((error: unknown) => {
    throw isAppError(error) && error.code === 'not_found' ? none(error) : error
  })
  return {
    revoked: [revoked],
    others: (await holding(calls, revoked.name)).length,
    before: revoked.revoked_before ? revoked.revoked_at : null,
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
  return { revoked, others: 0, before: null }
}
