/** For a command that asks for a long time: the server of this machine, also after another took its place, on any port. */
import type { ApiClient } from '../api/client.ts'
import { AppError } from '../lib/app-error.ts'
import type { Connection } from './connect.ts'

export interface Companion {
  /** Of the server that is there now, or was there last. */
  calls(): ApiClient['calls']
  /** Rejects when it is of no use to go on asking: no server came, or its runner does not start. */
  lost: Promise<never>
  /** Leaves whichever it joined later; the first is its caller's. */
  leave(): Promise<void>
}

/** A server elsewhere stays what it is: its address is all that is known of it. */
export function stayWith(first: Pick<Connection, 'client' | 'local' | 'rejoin'>, patienceMs: number): Companion {
  let now: typeof first | Connection = first
  let left = false
  const { promise: lost, reject } = Promise.withResolvers<never>()
  lost.catch(() => {})
  const attend = async (): Promise<void> => {
    for (let { local } = now; local !== undefined; { local } = now) {
      void local.trouble.then((message) => reject(new AppError('unavailable', message)))
      await local.closed
      if (left) return
      const next = await now.rejoin(patienceMs).catch(() => undefined)
      if (next === undefined) return reject(new AppError('unavailable', 'the server ended, and none came after it'))
      if (left) return next.close()
      now = next
    }
  }
  void attend()
  return {
    calls: () => now.client.calls,
    lost,
    async leave() {
      left = true
      if (now !== first) await (now as Connection).close()
    },
  }
}
