/** Long work of one request in slices, so that the others are answered in between. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long a slice lasts at most, when `work` yields often enough. */
const sliceMs = 10

/** `work` yields wherever it may be interrupted. */
export async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  for (let began = performance.now(); ;) {
    const step = work.next()
    if (step.done) return step.value
    if (performance.now() - began < sliceMs) continue
    await nextTurn()
    began = performance.now()
  }
}

/** The same at once, where nobody else waits. */
export function atOnce<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}
