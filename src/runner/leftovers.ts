/** What an earlier runner process left on this host: taken over where the lease is still ours, removed where it is not. */
import type { Executor } from '../executors/executor.ts'
import { emitFact } from '../lib/facts.ts'
import { readLeftBehind, removePlace, type AttemptPlace, type AttemptState, type LeftBehind } from './attempt-state.ts'
import { attemptKey, sameAttempt, type AttemptRef } from './control-plane.ts'

export interface Leftovers {
  ours: { place: AttemptPlace; state: AttemptState }[]
  /** Removed again, with everything that ran. */
  removed: number
}

export const findLeftovers = readLeftBehind

/** `held`: what the server says this runner's name holds. */
export async function sortLeftovers(left: LeftBehind[], held: AttemptRef[], executor: Executor): Promise<Leftovers> {
  const ours: Leftovers['ours'] = []
  const others: AttemptPlace[] = []
  for (const { place, state } of left) {
    if (state !== null && held.some((ref) => sameAttempt(ref, state.ref))) ours.push({ place, state })
    else others.push(place)
  }
  // First the processes, then what tells of them.
  const killed = await executor.sweep(new Set(ours.map(({ state }) => attemptKey(state.ref))))
  for (const place of others) await removePlace(place)
  if (left.length > 0 || killed > 0) {
    emitFact({ name: 'runner.leftovers', adopted: ours.length, removed: others.length, killed })
  }
  return { ours, removed: others.length }
}
