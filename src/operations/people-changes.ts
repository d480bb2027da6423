/** What administrators do with accounts that are there. The right to do so cannot be lost by accident. */
import { unlock } from '../access/lockout.ts'
import { ensureLocalToken } from '../access/local-token.ts'
import { may, type Action, type Role } from '../access/permissions.ts'
import {
  changeRole,
  deleteUser,
  findUser,
  lockAdministrators,
  setDisabled,
  setMaxRunning,
  signOutEverywhere,
  type User,
} from '../access/users.ts'
import { revokeCertificatesOf } from '../access/certificates/index.ts'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { cancelAllOf } from '../queue/leavers.ts'
import { noUsage, usageByOwner } from '../queue/totals.ts'
import { audited } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { showUser } from './show-user.ts'

export function onlyAdmin(ask: KnownAsk, action: Action): void {
  if (!may(ask.principal, action)) throw refusal(ask, action, 'only an administrator may do this')
}

/** Here and on the other servers nobody is remembered; it may have ended the command line's own credential, too. */
export async function accessChanged(deps: Deps): Promise<void> {
  deps.forgetAccess()
  await ensureLocalToken(deps.db, deps.config.dataDir)
}

export interface ChangeUserInput {
  username: string
  role?: Role
  max_running?: number
  disabled?: boolean
  unlock?: true
}

export async function changeUser(deps: Deps, anyAsk: Ask, input: ChangeUserInput) {
  const ask = known(anyAsk)
  const { username, ...wished } = input
  const changed = await audited(deps, ask, { action: 'user.change', target: `user:${username}` }, async (tx, note) => {
    onlyAdmin(ask, 'user.change')
    note({ ...wished })
    const { user, administrators } = await lockUser(tx, username)
    if (Object.values(wished).every((value) => value === undefined)) {
      throw new AppError('invalid_argument', 'nothing to change: give role, max_running, disabled or unlock')
    }
    if (input.disabled === true || (input.role ?? 'admin') !== 'admin') keepAdministrators(ask, user, administrators)
    if (input.role !== undefined && input.role !== user.role) await changeRole(tx, user.id, input.role)
    if (input.disabled !== undefined && input.disabled !== (user.disabledAt !== null)) {
      await setDisabled(tx, user.id, input.disabled)
    }
    if (input.max_running !== undefined) await setMaxRunning(tx, user.id, input.max_running)
    if (input.unlock) await unlock(tx, user.username)
    return (await findUser(tx, username))!
  })
  if (input.unlock) deps.throttle.forget(changed.username)
  await accessChanged(deps)
  // A higher cap may let waiting jobs go.
  if (input.max_running !== undefined) deps.dispatcher.wake()
  return showUser(changed, (await usageByOwner(deps.db, changed.id)).get(changed.id) ?? noUsage, deps)
}

export async function deleteUserBy(deps: Deps, anyAsk: Ask, username: string): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'user.delete', target: `user:${username}` }, async (tx, note) => {
    onlyAdmin(ask, 'user.delete')
    const { user, administrators } = await lockUser(tx, username)
    keepAdministrators(ask, user, administrators)
    await deleteUser(tx, user.id)
    const certificates = await revokeCertificatesOf(tx, { userId: user.id, reason: 'the account was deleted' })
    note({ role: user.role, jobs_cancelled: await cancelAllOf(tx, user.id), certificates_revoked: certificates })
  })
  await accessChanged(deps)
}

export async function signOutEverywhereBy(deps: Deps, anyAsk: Ask): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'user.sign_out', target: `user:${ask.principal.username}` }, async (tx) => {
    const { userId } = ask.principal
    if (userId === null || !may(ask.principal, 'user.sign_out', { ownerId: userId })) {
      throw refusal(ask, 'user.sign_out', 'you may not end sessions')
    }
    await signOutEverywhere(tx, userId)
  })
  await accessChanged(deps)
}

async function lockUser(tx: Queryable, username: string): Promise<{ user: User; administrators: string[] }> {
  const administrators = await lockAdministrators(tx)
  const user = await findUser(tx, username)
  if (user === null) throw notFound('user')
  return { user, administrators }
}

function keepAdministrators(ask: KnownAsk, user: User, administrators: readonly string[]): void {
  if (!administrators.includes(user.id)) return
  if (user.id === ask.principal.userId) {
    throw new AppError(
      'failed_precondition',
      'administrators do not take their own rights away: another administrator has to do it',
    )
  }
  if (administrators.length === 1) {
    throw new AppError('failed_precondition', `${user.username} is the last administrator: make another one first`)
  }
}
