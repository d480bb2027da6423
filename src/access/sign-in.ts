/** Sign-in with a password, throttled by name and address. */
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { verifyPassword, type User } from './users.ts'

const mostFailures = 5
const windowMs = 15 * 60_000
/** Of names and addresses remembered; the oldest go first. */
const mostEntries = 20_000

export interface SignInThrottle {
  /** Counts a try before its outcome is known, so a thousand at once are five. Seconds to wait, or 0: go on. */
  begin(username: string, address: string): number
  succeeded(username: string, address: string): void
}

export function createSignInThrottle(now: () => number = () => performance.now()): SignInThrottle {
  const tries = new Map<string, number[]>()
  const keyOf = (username: string, address: string): string => JSON.stringify([username.toLowerCase(), address])
  return {
    begin(username, address) {
      const key = keyOf(username, address)
      const recent = (tries.get(key) ?? []).filter((at) => at > now() - windowMs)
      if (recent.length >= mostFailures) return Math.max(1, Math.ceil((recent[0]! + windowMs - now()) / 1000))
      tries.delete(key)
      tries.set(key, [...recent, now()])
      if (tries.size > mostEntries) tries.delete(tries.keys().next().value!)
      return 0
    },
    succeeded(username, address) {
      tries.delete(keyOf(username, address))
    },
  }
}

export async function signIn(
  db: Queryable,
  throttle: SignInThrottle,
  input: { username: string; password: string; address: string },
): Promise<User> {
  const username = input.username.slice(0, 200)
  const wait = throttle.begin(username, input.address)
  if (wait > 0) {
    throw new AppError('resource_exhausted', `too many wrong passwords: try again in ${Math.ceil(wait / 60)} min`, {
      retryAfterSeconds: wait,
    })
  }
  const user = await verifyPassword(db, username, input.password)
  if (!user) throw new AppError('unauthenticated', 'wrong username or password')
  throttle.succeeded(username, input.address)
  return user
}
