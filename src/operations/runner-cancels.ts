/** Cancels to the runners that listen, as they happen. A hint: the heartbeat's answer is the truth. */
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import { cancelsAmong, type RunnerCancel } from '../queue/cancels-among.ts'

export interface RunnerCancels {
  /** Of one notice: public ids of running jobs that somebody cancelled. */
  cancelled(ids: readonly string[]): void
  /** Batches of attempts to stop, until the signal. */
  watch(runnerId: string, signal: AbortSignal): AsyncGenerator<RunnerCancel[]>
}

export function createRunnerCancels(db: Db): RunnerCancels {
  const inboxes = new Map<string, Set<(cancels: RunnerCancel[]) => void>>()

  return {
    cancelled(ids) {
      if (inboxes.size === 0) return
      cancelsAmong(db, ids).then(
        (cancels) => {
          const byRunner = Map.groupBy(cancels, (cancel) => cancel.runnerId)
          for (const [runnerId, of] of byRunner) {
            for (const deliver of inboxes.get(runnerId) ?? []) deliver(of)
          }
        },
        (error: unknown) => emitFact({ name: 'cancels.missed', level: 'warn', error: String(error) }),
      )
    },

    async *watch(runnerId, signal) {
      let pending: RunnerCancel[] = []
      let wake = (): void => {}
      const deliver = (cancels: RunnerCancel[]): void => {
        pending.push(...cancels)
        wake()
      }
      const of = inboxes.get(runnerId) ?? new Set()
      inboxes.set(runnerId, of)
      of.add(deliver)
      const onAbort = (): void => wake()
      signal.addEventListener('abort', onAbort)
      try {
        while (!signal.aborted) {
          if (pending.length === 0) {
            await new Promise<void>((resolve) => (wake = resolve))
            continue
          }
          const batch = pending
          pending = []
          yield batch
        }
      } finally {
        signal.removeEventListener('abort', onAbort)
        of.delete(deliver)
        if (of.size === 0) inboxes.delete(runnerId)
      }
    },
  }
}
