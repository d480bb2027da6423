/** Starts that failed through this runner's own fault (launcher gone, disk full): slow down, and do not go round for ever. */
import { emitFact } from '../lib/facts.ts'
import { pauseMs } from './backoff.ts'
import type { AttemptRef } from './control-plane.ts'

const handBacksPerJob = 3

export interface StartFailures {
  /** True: hand the lease back. False: the failure is the job's answer, it was tried often enough here. */
  handBack(ref: Pick<AttemptRef, 'jobKey'>): boolean
  succeeded(): void
  /** Before the next claim. */
  pauseMs(): number
}

export function createStartFailures(): StartFailures {
  let inARow = 0
  const perJob = new Map<string, number>()
  return {
    handBack({ jobKey }) {
      inARow++
      const times = (perJob.get(jobKey) ?? 0) + 1
      perJob.set(jobKey, times)
      emitFact({ name: 'runner.start_failed', level: 'error', in_a_row: inARow })
      return times <= handBacksPerJob
    },
    succeeded() {
      if (inARow === 0) return
      inARow = 0
      perJob.clear()
    },
    pauseMs: () => (inARow === 0 ? 0 : pauseMs(inARow, { firstMs: 1_000, maxMs: 30_000 })),
  }
}
