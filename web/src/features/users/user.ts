import type { User } from '../../lib/api.ts'

export type { User }
export const roles = ['admin', 'operator', 'viewer'] as const
export type Role = (typeof roles)[number]

/** What each may do, in a line. */
export const roleMeaning: Record<Role, string> = {
  admin: 'may do everything',
  operator: 'submits jobs, sees and acts on their own',
  viewer: 'reads every job and log, changes nothing',
}

/** Null: nothing keeps them out. */
export function stateOf(user: User, now: number): 'disabled' | 'locked' | null {
  if (user.disabled) return 'disabled'
  return user.locked_until !== null && Date.parse(user.locked_until) > now ? 'locked' : null
}
