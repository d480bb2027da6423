/**
 * One of all servers does the upkeep: the one whose session holds the lock. The lock goes with the session, so a
 * killed leader is replaced within the others' next try. What a leader does must all the same be harmless when two do
 * it: a paused process finds out late that it is none any more.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { emitFact } from '../lib/facts.ts'
import type { DbConfig } from './pool.ts'
import { openSession } from './session.ts'

export interface Leadership {
  isLeader(): boolean
  /** Stops the work, then lets go of the lock. */
  stop(): Promise<void>
}

export interface LeadershipOptions {
  /** Pause between two tries to become the leader. */
  retryMs?: number
  probeMs?: number
  probeTimeoutMs?: number
}

/** `during` runs while we lead; it ends soon after `lost` fires. When it ends by itself, it is run again. */
export function withLeadership(
  target: string | DbConfig,
  name: string,
  during: (lost: AbortSignal) => Promise<void>,
  { retryMs = 2000, probeMs = 3000, probeTimeoutMs = 3000 }: LeadershipOptions = {},
): Leadership {
  let leading = false
  const session = openSession(target, {
    purpose: `lead ${name}`,
    probeMs,
    probeTimeoutMs,
    async use(client, lost) {
      while (!lost.aborted) {
        const { rows } = await client.query<{ held: boolean }>(
          'select pg_try_advisory_lock(hashtextextended($1, 7286010003)) as held',
          [name],
        )
        if (rows[0]?.held) break
        await sleep(retryMs, undefined, { signal: lost }).catch(() => {})
      }
      if (lost.aborted) return
      leading = true
      emitFact({ name: 'leadership.gained', what: name })
      try {
        while (!lost.aborted) {
          await during(lost)
          if (!lost.aborted) await sleep(Math.min(retryMs, 1000), undefined, { signal: lost }).catch(() => {})
        }
      } finally {
        leading = false
        emitFact({ name: 'leadership.ended', what: name })
      }
    },
  })
  return { isLeader: () => leading, stop: () => session.stop() }
}
