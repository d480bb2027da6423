/** Accounts: create, find, change, sign in. */
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { tellAccess } from './access-changes.ts'
import { hashPassword, passwordMatches } from './passwords.ts'
import { roles, type Role } from './permissions.ts'

export interface User {
  id: string
  username: string
  role: Role
  maxRunning: number
  disabledAt: Date | null
  createdAt: Date
  /** Goes into session tokens; changes when all sessions of the user end. */
  generation: string
}

const columns = `id, username, role, max_running as "maxRunning", disabled_at as "disabledAt", created_at as "createdAt",
  (extract(epoch from sessions_valid_after) * 1000000)::bigint::text as generation`

const usernamePattern = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/
export const passwordLength = { least: 10, most: 1024 }

export function checkUsername(username: string): void {
  if (usernamePattern.test(username)) return
  const message = 'has letters, digits and . _ @ + - only, begins with a letter or digit, and at most 128 characters'
  throw new AppError('invalid_argument', `username ${message}`, { fields: [{ field: 'username', message }] })
}

export function checkPassword(password: string): void {
  if (password.length >= passwordLength.least && password.length <= passwordLength.most) return
  const message = `has ${passwordLength.least} to ${passwordLength.most} characters`
  throw new AppError('invalid_argument', `password ${message}`, { fields: [{ field: 'password', message }] })
}

export interface NewUser {
  username: string
  password: string
  role: Role
  maxRunning?: number
}

/** Throws `conflict` when the name is taken, in whatever case. */
export async function createUser(db: Queryable, input: NewUser): Promise<User> {
  checkUsername(input.username)
  checkPassword(input.password)
  if (!roles.includes(input.role)) {
    const message = `is one of ${roles.join(', ')}`
    throw new AppError('invalid_argument', `role ${message}`, { fields: [{ field: 'role', message }] })
  }
  const { rows } = await db.query<User>(
    `insert into users (username, password_hash, role, max_running) values ($1, $2, $3, coalesce($4, 100))
     on conflict (lower(username)) do nothing returning ${columns}`,
    [input.username, await hashPassword(input.password), input.role, input.maxRunning ?? null],
  )
  if (rows[0]) return rows[0]
  throw new AppError('conflict', `the username ${input.username} is taken`, {
    fields: [{ field: 'username', message: 'is taken' }],
  })
}

/** Stands where the hash of a password would: no password is right. */
const noPassword = '!'

/** For whoever comes by certificate only, until somebody sets a password. Null when the name is taken. */
export async function createUserWithoutPassword(db: Queryable, input: Omit<NewUser, 'password'>): Promise<User | null> {
  checkUsername(input.username)
  const { rows } = await db.query<User>(
    `insert into users (username, password_hash, role, max_running) values ($1, $2, $3, coalesce($4, 100))
     on conflict (lower(username)) do nothing returning ${columns}`,
    [input.username, noPassword, input.role, input.maxRunning ?? null],
  )
  return rows[0] ?? null
}

export async function findUser(db: Queryable, username: string): Promise<User | null> {
  const { rows } = await db.query<User>(`select ${columns} from users where lower(username) = lower($1)`, [username])
  return rows[0] ?? null
}

export async function findUserById(db: Queryable, id: string): Promise<User | null> {
  const { rows } = await db.query<User>(`select ${columns} from users where id = $1`, [id])
  return rows[0] ?? null
}

export async function listUsers(db: Queryable): Promise<User[]> {
  return (await db.query<User>(`select ${columns} from users order by lower(username)`)).rows
}

/**
 * The user when the password is right, else null: for an unknown name, a wrong password and a disabled account alike,
 * after the same time. `signIn` adds the throttle.
 */
export async function verifyPassword(db: Queryable, username: string, password: string): Promise<User | null> {
  const known = usernamePattern.test(username) && password.length <= passwordLength.most
  const { rows } = await db.query<User & { passwordHash: string }>(
    `select ${columns}, password_hash as "passwordHash" from users where lower(username) = lower($1)`,
    [known ? username : ''],
  )
  const row = rows[0]
  const hash = row?.passwordHash === noPassword ? undefined : row?.passwordHash
  const matches = await passwordMatches(hash, known ? password : '')
  if (!row || !matches || row.disabledAt !== null) return null
  const { passwordHash: _kept, ...user } = row
  return user
}

/** Ends every session and API token of the user. */
export async function changePassword(db: Queryable, userId: string, password: string): Promise<void> {
  checkPassword(password)
  await change(db, userId, 'password_hash = $2', await hashPassword(password))
}

export const changeRole = (db: Queryable, userId: string, role: Role): Promise<void> =>
  change(db, userId, 'role = $2', role)

export const setDisabled = (db: Queryable, userId: string, disabled: boolean): Promise<void> =>
  change(db, userId, 'disabled_at = case when $2::boolean then coalesce(disabled_at, now()) end', disabled)

export const signOutEverywhere = (db: Queryable, userId: string): Promise<void> => change(db, userId)

async function change(db: Queryable, userId: string, set?: string, value?: unknown): Promise<void> {
  const { rows } = await db.query<{ changed: boolean }>(
    // Strictly later than before, so that two changes in one transaction also end what was issued between them.
    `with changed as (
       update users set ${set === undefined ? '' : `${set},`}
         sessions_valid_after = greatest(clock_timestamp(), sessions_valid_after + interval '1 microsecond')
       where id = $1 returning id
     ), ${tellAccess}
     select count(*) > 0 as changed from told`,
    set === undefined ? [userId] : [userId, value],
  )
  if (!rows[0]!.changed) throw new AppError('not_found', 'no such user')
}
