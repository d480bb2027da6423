/** A lost password: an administrator makes a code, its receiver sets a new password with it. */
import { unlock } from '../access/lockout.ts'
import { createReset, spendReset } from '../access/password-reset.ts'
import { refuseFor } from '../access/sign-in.ts'
import { changePassword, findUser } from '../access/users.ts'
import { AppError } from '../lib/app-error.ts'
import { audited } from './audited.ts'
import { known, notFound, type Ask, type Deps } from './deps.ts'
import { accessChanged, onlyAdmin } from './people-changes.ts'

export async function createResetBy(deps: Deps, anyAsk: Ask, username: string) {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'user.create_reset', target: `user:${username}` }, async (tx) => {
    onlyAdmin(ask, 'user.create_reset')
    const user = await findUser(tx, username)
    if (user === null) throw notFound('user')
    const { code, expiresAt } = await createReset(tx, user.id)
    return { code, expires_at: expiresAt.toISOString() }
  })
}

export interface UseResetInput {
  username: string
  code: string
  password: string
}

/** Ends every session and API token of the account, and a lockout of it. */
export async function useReset(deps: Deps, anyAsk: Ask, input: UseResetInput): Promise<void> {
  const ask: Ask = { ...anyAsk, principal: null, claimed: input.username }
  const { throttle } = deps
  // Apart from the tries at the password: who mistypes a code may still sign in.
  const place = `reset from ${ask.address ?? ''}`
  await audited(deps, ask, { action: 'user.reset_password' }, async (tx, note) => {
    refuseFor(throttle.begin(input.username, place))
    const user = await spendReset(tx, input.username.replaceAll('\0', ''), input.code)
    if (user === null) {
      const message = 'is wrong, was used before or has run out: ask an administrator for a new one'
      throw new AppError('invalid_argument', `the code ${message}`, { fields: [{ field: 'code', message }] })
    }
    ask.principal = { kind: 'user', userId: user.id, username: user.username, role: user.role }
    note({}, `user:${user.username}`)
    await changePassword(tx, user.id, input.password)
    await unlock(tx, user.username)
  })
  throttle.succeeded(input.username, place)
  throttle.forget(input.username)
  await accessChanged(deps)
}
