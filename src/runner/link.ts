/** Whether the server answers; said once when it changes, not at every try. */
import { setTimeout as sleep } from 'node:timers/promises'
import { emitFact } from '../lib/facts.ts'
import { linkBackoff, pauseMs } from './backoff.ts'

export interface Link {
  lost(error: unknown): void
  back(): void
  pause(signal: AbortSignal): Promise<void>
}

/** A server that is started together with its runner has answered by then. */
const startingMs = 15_000

export function createLink(quietMs = startingMs): Link {
  const begun = performance.now()
  let failures = 0
  let met = false
  let told = false
  return {
    lost(error) {
      failures += 1
      // Beside a server that is just starting, no answer yet is nothing to tell.
      if (told || (!met && performance.now() - begun < quietMs)) return
      told = true
      emitFact({ name: 'runner.link_lost', level: met ? 'warn' : 'info', reason: String(error) })
    },
    back() {
      if (told) emitFact({ name: 'runner.link_back', failures })
      told = false
      failures = 0
      met = true
    },
    async pause(signal) {
      await sleep(pauseMs(Math.max(1, failures), linkBackoff), undefined, { signal }).catch(() => {})
    },
  }
}
