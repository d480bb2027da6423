/**
 * Log bytes are the most frequent message, so their fence is remembered: asked of the database once, and again at
 * least every heartbeat. The same question writes down that the log is with this server now. The last word stays with
 * `finish`, which is fenced in the statement that writes.
 */
import { attemptKey, type AttemptRef, type FromRunner } from '../queue/types.ts'

export interface Fence {
  /** For each: whether log bytes of this attempt are taken from this runner process. */
  holds(from: FromRunner, refs: readonly AttemptRef[]): Promise<boolean[]>
  /** The attempt is over or went elsewhere. */
  forget(ref: Pick<AttemptRef, 'jobKey' | 'number'>): void
}

/** For each: whether it is the sender's. */
export type AskFence = (items: (FromRunner & { ref: AttemptRef })[]) => Promise<boolean[]>

interface Remembered {
  runnerId: string
  session: string
  token: string
  at: number
}

export function createFence(ask: AskFence, rememberMs: number, clock: () => number = () => performance.now()): Fence {
  const known = new Map<string, Remembered>()

  const fresh = (from: FromRunner, ref: AttemptRef): boolean => {
    const entry = known.get(attemptKey(ref))
    return (
      entry !== undefined &&
      entry.token === ref.token &&
      entry.runnerId === from.runnerId &&
      entry.session === from.session &&
      clock() - entry.at < rememberMs
    )
  }
  const sweep = (): void => {
    const now = clock()
    for (const [key, entry] of known) if (now - entry.at >= rememberMs) known.delete(key)
  }

  return {
    async holds(from, refs) {
      // What is known now counts for this call, also when it gets too old while the database is asked for the others.
      const holds = refs.map((ref) => fresh(from, ref))
      const unsure = refs.flatMap((ref, place) => (holds[place] ? [] : [{ ref, place }]))
      if (unsure.length === 0) return holds
      sweep()
      const at = clock()
      const held = await ask(unsure.map(({ ref }) => ({ ...from, ref })))
      unsure.forEach(({ ref, place }, i) => {
        holds[place] = held[i] === true
        if (held[i]) known.set(attemptKey(ref), { ...from, token: ref.token, at })
        else known.delete(attemptKey(ref))
      })
      return holds
    },
    forget(ref) {
      known.delete(attemptKey(ref))
    },
  }
}
