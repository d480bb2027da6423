/** Accounts and sign-in. */
import { isLocalToken } from '../access/local-token.ts'
import { may, scopeOf, type Role } from '../access/permissions.ts'
import { signIn as checkSignIn } from '../access/sign-in.ts'
import { issueAccessToken } from '../access/tokens.ts'
import { changePassword, createUser, findUser, listUsers } from '../access/users.ts'
import { AppError } from '../lib/app-error.ts'
import { noUsage, usageByOwner } from '../queue/totals.ts'
import { audited, noteDone, noteRefused } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps } from './deps.ts'
import { accessChanged, onlyAdmin } from './people-changes.ts'
import { showUser } from './show-user.ts'

export function whoAmI(ask: Ask) {
  const { principal } = known(ask)
  if (principal.role === null) throw new AppError('permission_denied', 'only people have an account')
  return { kind: principal.kind, username: principal.username, role: principal.role }
}

export interface SignInInput {
  username: string
  password: string
}

export async function signIn(deps: Deps, ask: Ask, input: SignInInput) {
  const claimed = { ...ask, claimed: input.username }
  const act = { action: 'user.sign_in' }
  try {
    // No transaction around it: a password hash takes long, and a crowd at the door must not use up the connections.
    const user = await checkSignIn(deps.db, deps.throttle, { ...input, address: ask.address ?? '' })
    claimed.principal = { kind: 'user', userId: user.id, username: user.username, role: user.role }
    const issued = await issueAccessToken(deps.jwtSecret, user, deps.config.tokenTtlSeconds)
    await noteDone(deps.db, claimed, act, {})
    const shown = { kind: 'user' as const, username: user.username, role: user.role }
    return { token: issued.token, expiresInSeconds: issued.expiresInSeconds, user: shown }
  } catch (error) {
    await noteRefused(deps, claimed, act, error)
    throw error
  }
}

export interface CreateUserInput {
  username: string
  password: string
  role: Role
  max_running?: number
}

export async function createUserBy(deps: Deps, anyAsk: Ask, input: CreateUserInput) {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'user.create', target: `user:${input.username}` }, async (tx, note) => {
    onlyAdmin(ask, 'user.create')
    const { username, password, role } = input
    const maxRunning = input.max_running ?? deps.config.defaultUserMaxRunning
    note({ role, max_running: maxRunning })
    return showUser(await createUser(tx, { username, password, role, maxRunning }), noUsage, deps)
  })
}

export async function listUsersFor(deps: Deps, anyAsk: Ask) {
  const ask = known(anyAsk)
  if (scopeOf(ask.principal, 'user.read') !== 'all') {
    throw refusal(ask, 'user.read', 'only an administrator may do this')
  }
  const [users, usage] = await Promise.all([listUsers(deps.db), usageByOwner(deps.db)])
  return users.map((user) => showUser(user, usage.get(user.id) ?? noUsage, deps))
}

/** An administrator sees everybody, all others only themselves. */
export async function getUser(deps: Deps, anyAsk: Ask, username: string) {
  const ask = known(anyAsk)
  const user = await findUser(deps.db, username)
  if (user === null || !may(ask.principal, 'user.read', { ownerId: user.id })) throw notFound('user')
  return showUser(user, (await usageByOwner(deps.db, user.id)).get(user.id) ?? noUsage, deps)
}

export interface SetPasswordInput {
  username: string
  password: string
  current_password?: string
}

export async function setPassword(deps: Deps, anyAsk: Ask, input: SetPasswordInput): Promise<void> {
  const ask = known(anyAsk)
  const act = { action: 'user.change_password', target: `user:${input.username}` }
  await audited(deps, ask, act, async (tx) => {
    const user = await findUser(tx, input.username)
    if (user === null || !may(ask.principal, 'user.change_password', { ownerId: user.id })) throw notFound('user')
    // A session that was left open must not be enough to lock its owner out, whatever their role. Who can read the
    // files of this machine's server is let in all the same: that is how one who has lost the password comes back.
    const own = user.id === ask.principal.userId && !(await isLocalToken(deps.db, deps.config.dataDir, ask.principal))
    if (own) {
      const proof = { username: user.username, password: input.current_password ?? '', address: ask.address ?? '' }
      await checkSignIn(deps.db, deps.throttle, proof)
    }
    await changePassword(tx, user.id, input.password)
  })
  await accessChanged(deps)
}
