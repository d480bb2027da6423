/** What every answer to a helper works with. */
import type { Person } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import type { HeldAttempt } from '../events/attempt-results.ts'
import { AppError } from '../lib/app-error.ts'
import type { Act, Detail } from './audited.ts'
import type { Deps } from './deps.ts'

export interface Asked {
  tx: Queryable
  deps: Deps
  held: HeldAttempt
  /** Of a call that is to take effect once. */
  key: string | undefined
  /** For the audit log. */
  note(act: Act, detail: Detail): void
}

export const over = (): AppError =>
  new AppError('unauthenticated', 'this attempt is over, or another runner has it: nothing is taken from it any more')

/** Throws when the account may do nothing any more. */
export function ownerOf({ owner, ownerGone }: HeldAttempt): Person {
  if (ownerGone === null) return owner
  throw new AppError('permission_denied', `the account ${owner.username} is ${ownerGone}`)
}
