/** How many runs of events one account may begin in a minute of this server, so that a loop that ran away is told so. */
import { AppError } from '../lib/app-error.ts'
import type { KnownAsk } from './deps.ts'

export interface RunRate {
  /** Throws `resource_exhausted` with the time after which there is room again. */
  count(ask: KnownAsk): void
}

const windowMs = 60_000

/** 0: no limit. A bucket of `perMinute` that fills evenly. */
export function createRunRate(perMinute: number, now: () => number = () => performance.now()): RunRate {
  const buckets = new Map<string, { left: number; at: number }>()
  const perMs = perMinute / windowMs
  return {
    count({ principal }) {
      if (perMinute === 0) return
      const at = now()
      const who = principal.userId ?? `${principal.kind} ${principal.username}`
      const before = buckets.get(who)
      const left = before === undefined ? perMinute : Math.min(perMinute, before.left + (at - before.at) * perMs)
      if (left < 1) {
        const seconds = Math.ceil((1 - left) / perMs / 1000)
        throw new AppError(
          'resource_exhausted',
          `you may begin ${perMinute} runs of events in a minute: wait ${seconds} s (RUNYARD_EVENT_RUNS_PER_MINUTE)`,
          { retryAfterSeconds: seconds },
        )
      }
      buckets.set(who, { left: left - 1, at })
      if (buckets.size > 1000) for (const [key, one] of buckets) if (at - one.at > windowMs) buckets.delete(key)
    },
  }
}
