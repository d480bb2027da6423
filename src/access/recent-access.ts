/**
 * Who asked a moment ago is not looked up again: at hundreds of requests in a second that look would be one of three.
 * What changes access in this process is felt at once, what another server or command changes after `forMs`.
 */
import type { Credentials } from './authenticate.ts'
import type { Person } from './permissions.ts'

export type Authenticate = (given: Credentials) => Promise<Person>

export interface RecentAccess {
  authenticate: Authenticate
  /** A password, role or token has changed. */
  forget(): void
}

/** Far below the five seconds within which a revoked token must be refused everywhere. */
export const rememberMs = 1_000
const mostRemembered = 1_000

export function rememberAccess(authenticate: Authenticate, forMs = rememberMs): RecentAccess {
  /** Oldest first. */
  const recent = new Map<string, { at: number; person: Promise<Person> }>()

  const letGo = (now: number): void => {
    for (const [key, { at }] of recent) {
      if (now - at < forMs && recent.size <= mostRemembered) return
      recent.delete(key)
    }
  }

  return {
    authenticate(given) {
      const key = `${given.bearer ?? ''}\n${given.cookie ?? ''}`
      const now = performance.now()
      letGo(now)
      const known = recent.get(key)
      if (known !== undefined) return known.person
      const entry = { at: now, person: authenticate(given) }
      recent.set(key, entry)
      // Only a yes is remembered: the next try of somebody who has just signed in must not meet an old no.
      entry.person.catch(() => {
        if (recent.get(key) === entry) recent.delete(key)
      })
      return entry.person
    },
    forget: () => recent.clear(),
  }
}
