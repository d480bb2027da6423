/** Starts that failed through this runner's own fault (launcher gone, disk full): slow down, and do not go round for ever. */
import { emitFact } from '../lib/facts.ts'
import type { AttemptState } from './attempt-state.ts'
import { pauseMs } from './backoff.ts'

const handBacksPerJob = 3

export interface StartFailures {
  /** True: hand the lease back. False: the failure is the job's answer, it was tried often enough here. */
  handBack(state: Pick<AttemptState, 'ref'>): boolean
  succeeded(): void
  /** Before the next claim. */
  pauseMs(): number
}

export function createStartFailures(): StartFailures {
  let inARow = 0
  const perJob = new Map<string, number>()
  return {
    handBack({ ref }) {
      inARow++
      const times = (perJob.get(ref.jobKey) ?? 0) + 1
      perJob.set(ref.jobKey, times)
      emitFact({ name: 'runner.start_failed', level: 'error', in_a_row: inARow })
      return times <= handBacksPerJob
    },
    succeeded() {
      inARow = 0
      perJob.clear()
    },
    pauseMs: () => (inARow === 0 ? 0 : pauseMs(inARow, { firstMs: 1_000, maxMs: 30_000 })),
  }
}
