/** The end of a server that people may still have work on: nothing new is taken, and runs of pipelines are seen to their end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemPrincipal } from '../access/permissions.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { openRuns } from '../pipelines/open-runs.ts'
import type { Deps } from './deps.ts'
import { cancelRun } from './pipeline-acts.ts'

export interface Closing {
  begin(): void
  /** Throws `unavailable` once it has begun. */
  check(): void
}

export function createClosing(): Closing {
  let begun = false
  return {
    begin() {
      begun = true
    },
    check() {
      if (!begun) return
      throw new AppError('unavailable', 'this server is being stopped and takes nothing new', { retryAfterSeconds: 5 })
    },
  }
}

/** `leave`: the next start goes on with them. `wait`: those that run end, those that wait are cancelled. */
export type EndRuns = 'leave' | 'wait' | 'cancel'

/** Only at the end of a server. */
const lookEveryMs = 200

/** Of all runs of this installation: for its only server. Resolves early when `hurry` is aborted. */
export async function endRuns(deps: Deps, how: EndRuns, hurry: AbortSignal): Promise<void> {
  deps.closing.begin()
  if (how === 'leave') return
  const asked = new Set<string>()
  while (!hurry.aborted) {
    const open = await openRuns(deps.db)
    if (open.length === 0) return
    for (const { publicId, state, child } of open) {
      // One that waits for its turn in the name of a running one is part of that.
      if (asked.has(publicId) || (how === 'wait' && (state === 'running' || child))) continue
      asked.add(publicId)
      await cancel(deps, publicId)
    }
    await sleep(lookEveryMs, undefined, { signal: hurry }).catch(() => {})
  }
}

async function cancel(deps: Deps, id: string): Promise<void> {
  try {
    await cancelRun(deps, { principal: systemPrincipal }, { id, reason: 'the server is being stopped' })
  } catch (error) {
    // It has ended in the meantime.
    if (!isAppError(error) || !['conflict', 'not_found', 'failed_precondition'].includes(error.code)) throw error
  }
}
