/** The attempts this process holds: from an assignment to the last answer of the server about it. */
import { emitFact } from '../lib/facts.ts'
import type { Attempt, AttemptEnd, AttemptTools } from './attempt.ts'
import { placeOf, type AttemptPlace, type AttemptState } from './attempt-state.ts'
import type { Capacity } from './capacity.ts'
import {
  attemptKey,
  sameAttempt,
  type Assignment,
  type AttemptRef,
  type Cancel,
  type HeartbeatAnswer,
} from './control-plane.ts'
import { abandon, prepareSpool, reportEnd, runAttempt } from './run-attempt.ts'
import { createStopControl } from './stop-control.ts'

/** An attempt of an earlier runner process that may still run; its secrets come with the lease, delivered again. */
interface Awaited {
  place: AttemptPlace
  state: AttemptState
}

const awaitSecretsMs = 60_000

interface Held {
  attempt: Attempt
  done: Promise<AttemptEnd | 'failed'>
}

export interface HeldAttemptsOptions {
  tools: AttemptTools
  capacity: Capacity
  /** The list has changed. */
  onChange: () => void
  /** A slot, or CPU and memory that somebody had asked for, is free again. */
  onFreed: (hadReservation: boolean) => void
}

export type HeldAttempts = ReturnType<typeof createHeldAttempts>

export function createHeldAttempts({ tools, capacity, onChange, onFreed }: HeldAttemptsOptions) {
  const held = new Map<string, Held>()
  const awaited = new Map<string, Awaited>()
  const emptied: (() => void)[] = []

  const hold = (attempt: Attempt, work: Promise<AttemptEnd>) => {
    const key = attemptKey(attempt.state.ref)
    const done = work
      .catch((error): 'failed' => {
        emitFact({ name: 'attempt.trouble', level: 'error', job: attempt.state.job_id, reason: String(error) })
        return 'failed'
      })
      .finally(() => {
        held.delete(key)
        onChange()
        if (held.size === 0) for (const resolve of emptied.splice(0)) resolve()
      })
    held.set(key, { attempt, done })
    onChange()
  }

  const run = (attempt: Attempt) => {
    const reservation = capacity.reserve(attempt.state.spec, attempt.adopt ? attempt.state.slot : undefined)
    // An adopted job keeps its slot's uid; the slot cannot be taken, because adoption comes before the first claim.
    if (reservation !== null) attempt.state.slot = reservation.slot
    const freed = () => {
      if (reservation === null) return
      capacity.release(reservation)
      onFreed(reservation.cpuMillis + reservation.memoryMib > 0)
    }
    hold(attempt, runAttempt(attempt, tools, freed))
  }

  return {
    /** What the server must not deliver again. */
    refs: (): AttemptRef[] => [...held.values()].map((h) => h.attempt.state.ref),
    /** What the heartbeat keeps alive: also what waits for its secrets. */
    leases: (): AttemptRef[] => [...held.values(), ...awaited.values()].map((h) => stateOf(h).ref),
    size: () => held.size,
    /** Taken over from an earlier process as soon as the server delivers their secrets. */
    awaited: (): AttemptRef[] => [...awaited.values()].map(({ state }) => state.ref),

    /** Idempotent: what is held already is left alone. `keepUntil` counts from when the lease was asked for. */
    take(assignment: Assignment, keepUntil: number): void {
      const key = attemptKey(assignment)
      if (held.has(key)) return
      // The server leased the job again, so an older attempt of it is not ours any more.
      for (const { attempt } of held.values()) {
        if (attempt.state.ref.jobKey === assignment.jobKey) abandon(attempt)
      }
      const left = awaited.get(key)
      awaited.delete(key)
      const { env, secretEnv } = assignment
      const place = left?.place ?? placeOf(tools.attemptsDir, key)
      const state = left?.state ?? stateFor(assignment)
      run(newAttempt({ state, place, env, secretEnv, adopt: left !== undefined, keepUntil }))
    },

    /** Left by an earlier process and still leased to this runner. */
    resume(place: AttemptPlace, state: AttemptState, keepUntil: number): void {
      const attempt = newAttempt({ state, place, env: {}, secretEnv: {}, adopt: true, keepUntil })
      if (state.phase === 'ended' || state.phase === 'handing_back') {
        attempt.outcome = state.outcome
        if (state.phase === 'handing_back') attempt.handBackReason = 'its runner shut down'
        hold(
          attempt,
          prepareSpool(attempt, tools).then(() => reportEnd(attempt, tools)),
        )
      } else if (state.secret_env_names.length > 0) {
        const key = attemptKey(state.ref)
        awaited.set(key, { place, state })
        onChange()
        // Not kept alive for ever: without its lease the keeper ends it and the server gives it to another.
        setTimeout(() => awaited.delete(key) && onChange(), awaitSecretsMs).unref()
      } else {
        run(attempt)
      }
    },

    heard(answer: HeartbeatAnswer, keepUntil: number): void {
      for (const ref of answer.renewed) {
        const attempt = held.get(attemptKey(ref))?.attempt
        if (attempt !== undefined) attempt.keepUntil = Math.max(attempt.keepUntil, keepUntil)
      }
      for (const ref of answer.cancel) this.cancel({ ref, now: answer.kill.some((other) => sameAttempt(other, ref)) })
      for (const ref of answer.stale) {
        awaited.delete(attemptKey(ref))
        const attempt = held.get(attemptKey(ref))?.attempt
        if (attempt?.state.ref.token === ref.token) abandon(attempt)
      }
    },

    cancel({ ref, now }: Cancel): void {
      const attempt = held.get(attemptKey(ref))?.attempt
      if (attempt?.state.ref.token !== ref.token) return
      attempt.stops.request('cancelled', now ? 0 : attempt.state.spec.stop_grace_seconds * 1000)
    },

    /** Ends what still runs; it is handed back unless it had another reason to end. */
    shutDown(graceMs: number): void {
      for (const { attempt } of held.values()) attempt.stops.request('shutdown', graceMs)
    },

    /** Another process has this runner's name: nothing here is ours any more. */
    abandonAll(): void {
      for (const { attempt } of held.values()) abandon(attempt)
    },

    emptied: (): Promise<void> => (held.size === 0 ? Promise.resolve() : new Promise((r) => void emptied.push(r))),
  }
}

const stateOf = (entry: Held | Awaited): AttemptState => ('attempt' in entry ? entry.attempt.state : entry.state)

type Given = Pick<Attempt, 'state' | 'place' | 'env' | 'secretEnv' | 'adopt' | 'keepUntil'>

function newAttempt(given: Given): Attempt {
  const onError = (error: unknown) =>
    emitFact({ name: 'attempt.trouble', level: 'error', job: given.state.job_id, reason: `stop: ${String(error)}` })
  return { ...given, stops: createStopControl(onError), stale: false, pipes: [] }
}

function stateFor(assignment: Assignment): AttemptState {
  const { jobKey, number, token } = assignment
  return {
    version: 1,
    ref: { jobKey, number, token },
    job_id: assignment.jobId,
    spec: assignment.spec,
    limits: assignment.limits,
    named: assignment.named,
    timeout_ms: assignment.timeoutSeconds * 1000,
    slot: 0,
    secret_env_names: Object.keys(assignment.secretEnv),
    phase: 'prepared',
  }
}
