import { roles, type Role, type User } from './user.ts'

/** What the list is narrowed to; the same words stand in the URL. */
export interface UserFilters {
  /** Part of the name. */
  q?: string
  role?: Role
}

export function readUserFilters(search: Record<string, unknown>): UserFilters {
  const { q, role } = search
  return {
    q: typeof q === 'string' && q !== '' ? q.slice(0, 200) : undefined,
    role: roles.find((each) => each === role),
  }
}

export const filterUsers = (users: readonly User[], { q = '', role }: UserFilters): User[] =>
  users.filter(
    (user) => user.username.toLowerCase().includes(q.toLowerCase()) && (role === undefined || user.role === role),
  )
