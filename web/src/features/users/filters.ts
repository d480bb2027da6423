import { withUnknown } from '../../lib/search-params.ts'
import { roles, type Role, type User } from './user.ts'

/** What the list is narrowed to; the same words stand in the URL. */
export interface UserFilters {
  /** Part of the name. */
  q?: string
  role?: Role
  /** What the URL has and this page does not know. */
  unknown?: string
}

export function readUserFilters(search: Record<string, unknown>): UserFilters {
  const { q = search['name'], role } = search
  const read: UserFilters = {
    q: typeof q === 'string' && q !== '' ? q.slice(0, 200) : undefined,
    role: roles.find((each) => each === role),
  }
  return withUnknown(search, read, { name: 'q' })
}

export const filterUsers = (users: readonly User[], { q = '', role }: UserFilters): User[] =>
  users.filter(
    (user) => user.username.toLowerCase().includes(q.toLowerCase()) && (role === undefined || user.role === role),
  )
