/** Whether the server answers; said once when it changes, not at every try. */
import { setTimeout as sleep } from 'node:timers/promises'
import { emitFact } from '../lib/facts.ts'
import { linkBackoff, pauseMs } from './backoff.ts'

export interface Link {
  lost(error: unknown): void
  back(): void
  pause(signal: AbortSignal): Promise<void>
}

export function createLink(): Link {
  let failures = 0
  /** Beside a server that is just starting, no answer yet is nothing to warn of. */
  let met = false
  return {
    lost(error) {
      if (failures++ > 0) return
      emitFact({ name: 'runner.link_lost', level: met ? 'warn' : 'info', reason: String(error) })
    },
    back() {
      if (failures > 0) emitFact({ name: 'runner.link_back', failures })
      failures = 0
      met = true
    },
    async pause(signal) {
      await sleep(pauseMs(Math.max(1, failures), linkBackoff), undefined, { signal }).catch(() => {})
    },
  }
}
