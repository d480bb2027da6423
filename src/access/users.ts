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
  /** To the minute. */
  lastSeenAt: Date | null
  /** Signing in by password is refused until then, but where they signed in from before. */
  lockedUntil: Date | null
  /** Goes into session tokens; changes when all sessions of the user end. */
  generation: string
}

const columns = `id, username, role, max_running as "maxRunning", disabled_at as "disabledAt", created_at as "createdAt",
  last_seen_at as "lastSeenAt", (select locked_until from sign_in_failures
    where name = lower(username) and locked_until > clock_timestamp()) as "lockedUntil", (extract(epoch from sessions_valid_after) * 1000000)::bigint::text as generation`

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
  throw await nameTaken(db, input.username)
}

/** A name is never given again: jobs and audit rows of its first owner would seem to be the second one's. */
async function nameTaken(db: Queryable, username: string): Promise<AppError> {
  const gone = (await findUser(db, username)) === null
  const message = gone ? 'was that of an account that is deleted: take another' : 'is taken'
  const said = gone ? `the username ${username} ${message}` : `the username ${username} is taken`
  return new AppError('conflict', said, { fields: [{ field: 'username', message }] })
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
  const { rows } = await db.query<User>(
    `select ${columns} from users where lower(username) = lower($1) and deleted_at is null`,
    [username],
  )
  return rows[0] ?? null
}

/** Also of a deleted account, whose history stays under its name; null: nobody ever had it. */
export async function findOwnerId(db: Queryable, username: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>('select id from users where lower(username) = lower($1)', [username])
  return rows[0]?.id ?? null
}

export async function findUserById(db: Queryable, id: string): Promise<User | null> {
  const { rows } = await db.query<User>(`select ${columns} from users where id = $1 and deleted_at is null`, [id])
  return rows[0] ?? null
}

export async function listUsers(db: Queryable): Promise<User[]> {
  return (await db.query<User>(`select ${columns} from users where deleted_at is null order by lower(username)`)).rows
}

/**
 * The user when the password is right, else null: for an unknown name, a wrong password and a disabled account alike,
 * after the same time. `signIn` adds the throttle.
 */
export async function verifyPassword(db: Queryable, username: string, password: string): Promise<User | null> {
  const known = usernamePattern.test(username) && password.length <= passwordLength.most
  const { rows } = await db.query<User & { passwordHash: string }>(
    `select ${columns}, password_hash as "passwordHash" from users
     where lower(username) = lower($1) and deleted_at is null`,
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
  // A code that was made for the old one must not undo the new one.
  await db.query('delete from password_resets where user_id = $1', [userId])
  await change(db, userId, 'password_hash = $2', await hashPassword(password))
}

/** A new role ends every session and token: what somebody began with the old one must not go on. */
export const changeRole = (db: Queryable, userId: string, role: Role): Promise<void> =>
  change(db, userId, 'role = $2', role)

export const setDisabled = (db: Queryable, userId: string, disabled: boolean): Promise<void> =>
  change(db, userId, 'disabled_at = case when $2::boolean then coalesce(disabled_at, now()) end', disabled)

export const signOutEverywhere = (db: Queryable, userId: string): Promise<void> => change(db, userId)

export async function setMaxRunning(db: Queryable, userId: string, maxRunning: number): Promise<void> {
  await db.query('update users set max_running = $2 where id = $1', [userId, maxRunning])
}

/**
 * The row stays, for all that was done under its name; nobody comes in with it again. `clock_timestamp`: a submit that
 * held the row's key when we came is older than this.
 */
export async function deleteUser(db: Queryable, userId: string): Promise<void> {
  await change(
    db,
    userId,
    `deleted_at = clock_timestamp(), disabled_at = coalesce(disabled_at, now()), password_hash = $2`,
    noPassword,
  )
  await db.query('delete from password_resets where user_id = $1', [userId])
  await db.query('delete from sign_in_addresses where user_id = $1', [userId])
  await db.query('update api_tokens set revoked_at = now() where user_id = $1 and revoked_at is null', [userId])
}

/** Locks all administrators who can come in, so that two of them cannot take the rights of each other at once. */
export async function lockAdministrators(tx: Queryable): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from users where role = 'admin' and disabled_at is null order by id for no key update`,
  )
  return rows.map(({ id }) => id)
}

async function change(db: Queryable, userId: string, set?: string, value?: unknown): Promise<void> {
  const { rows } = await db.query<{ changed: boolean }>(
    // Strictly later than before, so that two changes in one transaction also end what was issued between them.
    `with changed as (
       update users set ${set === undefined ? '' : `${set},`}
         sessions_valid_after = greatest(clock_timestamp(), sessions_valid_after + interval '1 microsecond')
       where id = $1 and deleted_at is null returning id
     ), ${tellAccess}
     select count(*) > 0 as changed from told`,
    set === undefined ? [userId] : [userId, value],
  )
  if (!rows[0]!.changed) throw new AppError('not_found', 'no such user')
}
