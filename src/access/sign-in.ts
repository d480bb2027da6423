/** Sign-in with a password, throttled by name and address in this server's memory, and by name for all of them. */
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { lockedSeconds, noteFailure, noteSuccess } from './lockout.ts'
import { verifyPassword, type User } from './users.ts'

const mostFailures = 5
const windowMs = 15 * 60_000
/** Of names and addresses remembered; the oldest go first. */
const mostEntries = 20_000

export interface SignInThrottle {
  /** Counts a try before its outcome is known, so a thousand at once are five. Seconds to wait, or 0: go on. */
  begin(username: string, address: string): number
  succeeded(username: string, address: string): void
  /** An administrator lets them in again, from wherever. */
  forget(username: string): void
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
    forget(username) {
      const start = `[${JSON.stringify(username.toLowerCase())},`
      for (const key of tries.keys()) if (key.startsWith(start)) tries.delete(key)
    },
  }
}

export async function signIn(
  db: Queryable,
  throttle: SignInThrottle,
  input: { username: string; password: string; address: string },
): Promise<User> {
  const { password, address } = input
  // What no username has cannot be stored either.
  const username = input.username.slice(0, 200).replaceAll('\0', '').toWellFormed()
  refuseFor(throttle.begin(username, address))
  refuseFor(await lockedSeconds(db, username, address))
  const user = await verifyPassword(db, username, password)
  if (!user) {
    await noteFailure(db, username)
    throw new AppError('unauthenticated', 'wrong username or password')
  }
  // Of a thousand guesses that were under way when the lock came, none may tell that it was right.
  refuseFor(await lockedSeconds(db, username, address))
  await noteSuccess(db, user, address)
  throttle.succeeded(username, address)
  return user
}

export function refuseFor(seconds: number): void {
  if (seconds <= 0) return
  const wait = seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
  throw new AppError('resource_exhausted', `too many wrong passwords: try again in ${wait}`, {
    retryAfterSeconds: seconds,
  })
}
