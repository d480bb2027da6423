/** People whom the application around Runyard has signed in: it says who they are and what they may, at every request. */
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { roles, type Person, type Role } from './permissions.ts'
import { changeRole, createUserWithoutPassword, findUser } from './users.ts'

export interface HostPerson {
  username: string
  role: Role
}

/** What the application knows of a request before it says who asks. */
export interface HostRequest {
  method: string
  url: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  address: string
}

/** Null: nobody whom the application knows; Runyard's own tokens and sessions decide then. */
export type HostAuthenticate = (request: HostRequest) => Promise<HostPerson | null> | HostPerson | null

/** Their account, made at first sight and without a password; its role follows what the application says. */
export async function hostPrincipal(db: Queryable, { username, role }: HostPerson): Promise<Person> {
  if (!roles.includes(role)) throw new AppError('internal', `the authenticate hook gave the role ${String(role)}`)
  const user = (await findUser(db, username)) ?? (await createUserWithoutPassword(db, { username, role }))
  if (user === null || user.disabledAt !== null) {
    throw new AppError('unauthenticated', `the account ${username} is disabled or was deleted`)
  }
  if (user.role !== role) await changeRole(db, user.id, role)
  return { kind: 'user', userId: user.id, username: user.username, role }
}
