/** The attempts this process holds: from an assignment to the last answer of the server about it. */
import type { AttemptOrder, RunningAttempt } from '../executors/executor.ts'
import { emitFact } from '../lib/facts.ts'
import { newAttempt, type Attempt, type AttemptTools } from './attempt.ts'
import type { AttemptNote } from './attempt-note.ts'
import type { Capacity, Reservation } from './capacity.ts'
import { monotonicMs } from './clock.ts'
import {
  attemptKey,
  sameAttempt,
  type Assignment,
  type AttemptRef,
  type Cancel,
  type HeartbeatAnswer,
} from './control-plane.ts'
import { planHelpers } from './helpers/plan.ts'
import { noteFor, orderFor } from './order-for.ts'
import { runAttempt } from './run-attempt.ts'
import { abandon, stopAttempt } from './stop-attempt.ts'

/** No server has renewed its lease for so long that it may be given away at any time. */
function outlived(attempt: Attempt): void {
  if (!attempt.over && attempt.stopReason === undefined) {
    const { job_id: job, ref } = attempt.note
    emitFact({ name: 'attempt.outlived_lease', level: 'warn', job, attempt: ref.number })
  }
  stopAttempt(attempt, 'lease_lost', 0)
}

/** The launcher kills at the exact time; this guard need not. */
const leaseCheckMs = 500

export interface HeldAttemptsOptions {
  tools: AttemptTools
  capacity: Capacity
  /** The list has changed. */
  onChange: () => void
  /** What an attempt took is free again. */
  onFreed: (reservation: Reservation) => void
}

export type HeldAttempts = ReturnType<typeof createHeldAttempts>

export function createHeldAttempts({ tools, capacity, onChange, onFreed }: HeldAttemptsOptions) {
  const held = new Map<string, Attempt>()
  const emptied: (() => void)[] = []
  let leaseCheck: NodeJS.Timeout | undefined

  const free = (reservation: Reservation | null) => {
    if (reservation === null) return
    capacity.release(reservation)
    onFreed(reservation)
  }

  const hold = (attempt: Attempt, order: AttemptOrder | null, reservation: Reservation | null) => {
    held.set(attempt.key, attempt)
    leaseCheck ??= setInterval(checkLeases, leaseCheckMs).unref()
    onChange()
    runAttempt(attempt, order, tools, () => free(reservation))
      .catch((error: unknown) => {
        emitFact({ name: 'attempt.trouble', level: 'error', job: attempt.note.job_id, reason: String(error) })
      })
      .finally(() => {
        held.delete(attempt.key)
        onChange()
        if (held.size === 0) for (const resolve of emptied.splice(0)) resolve()
      })
  }

  /** Second guard beside the launcher's keeper. */
  const checkLeases = () => {
    const now = monotonicMs()
    for (const attempt of held.values()) if (attempt.keepUntil <= now) outlived(attempt)
    if (held.size > 0) return
    clearInterval(leaseCheck)
    leaseCheck = undefined
  }

  return {
    /** What the heartbeat keeps alive and the server must not deliver again. */
    refs: (): AttemptRef[] => Array.from(held.values(), ({ note }) => note.ref),
    size: () => held.size,
    /** Directories that jobs look into. */
    shownDirs: (): string[] =>
      [...held.values()]
        .flatMap(({ note }) => [note.fetched_dir, note.helpers?.dir, note.helpers?.library])
        .filter((dir) => dir !== undefined),

    /** Idempotent: what is held already is left alone. `keepUntil` counts from when the lease was asked for. */
    take(assignment: Assignment, keepUntil: number): void {
      const key = attemptKey(assignment)
      if (held.has(key)) return
      // The server leased the job again, so an older attempt of it is not ours any more.
      if (assignment.number > 1) {
        for (const attempt of held.values()) {
          if (attempt.note.ref.jobKey === assignment.jobKey) abandon(attempt, `attempt ${assignment.number} was leased`)
        }
      }
      const reservation = capacity.reserve(assignment.spec)
      const helperPlan = planHelpers(assignment, tools.artifacts.newDir)
      const note = noteFor(assignment, reservation?.slot ?? 0, tools.artifacts.newDir, helperPlan)
      const order = orderFor(key, assignment, note, Math.max(1, Math.round(keepUntil - monotonicMs())), helperPlan)
      hold(newAttempt({ key, note, resumed: false, keepUntil, helperPlan }), order, reservation)
    },

    /** Left by an earlier process and still leased to this runner; adopted before the first claim, so its slot is free. */
    resume(running: RunningAttempt, note: AttemptNote, keepUntil: number): void {
      const attempt = newAttempt({ key: running.key, note, resumed: true, keepUntil, running })
      hold(attempt, null, capacity.reserve({ limits: note.reserved }, note.slot))
    },

    /** Left by an earlier process and not ours any more; its slot is taken until nothing of it runs. */
    dismiss(running: RunningAttempt, note: AttemptNote | null): void {
      const reservation = note === null ? null : capacity.reserve({ limits: note.reserved }, note.slot)
      const over = running.ended.then(
        () => {},
        () => {},
      )
      Promise.all([running.stop('lease_lost', 0), over])
        .then(() => running.release())
        .catch((error: unknown) => {
          emitFact({ name: 'attempt.trouble', level: 'error', attempt: running.key, reason: String(error) })
        })
        .finally(() => free(reservation))
    },

    heard(answer: HeartbeatAnswer, keepUntil: number): void {
      for (const ref of answer.renewed) {
        const attempt = held.get(attemptKey(ref))
        if (attempt !== undefined) attempt.keepUntil = Math.max(attempt.keepUntil, keepUntil)
      }
      for (const ref of answer.cancel) this.cancel({ ref, now: answer.kill.some((other) => sameAttempt(other, ref)) })
      for (const ref of answer.stale) {
        const attempt = held.get(attemptKey(ref))
        if (attempt?.note.ref.token === ref.token) abandon(attempt, 'its lease was given away')
      }
    },

    cancel({ ref, now }: Cancel): void {
      const attempt = held.get(attemptKey(ref))
      if (attempt?.note.ref.token !== ref.token) return
      stopAttempt(attempt, 'cancelled', now ? 0 : attempt.note.stop_grace_ms)
    },

    /** Ends what still runs; it is handed back unless it had another reason to end. */
    shutDown(graceMs: number): void {
      for (const attempt of held.values()) stopAttempt(attempt, 'shutdown', graceMs)
    },

    /** Another process has this runner's name: nothing here is ours any more. */
    abandonAll(why: string): void {
      for (const attempt of held.values()) abandon(attempt, why)
    },

    emptied: (): Promise<void> => (held.size === 0 ? Promise.resolve() : new Promise((r) => void emptied.push(r))),
  }
}
