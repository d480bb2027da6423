/**
 * Gathers single messages into calls: what comes in one turn of the loop goes together, and while a call is under way
 * the next one fills. So an idle runner waits for nothing and a busy one sends large calls. Every message gets its own
 * answer.
 */
import { untilAnswered } from './backoff.ts'

export interface BatchOptions {
  /** The first message waits so long for company; without it, one turn of the loop. */
  windowMs?: number
  most: number
  /** Calls under way at the same time; one when missing. */
  atOnce?: number
  signal: AbortSignal
  onTrouble?: (error: unknown) => void
}

interface Waiting<T, R> {
  item: T
  resolve: (answer: R) => void
  reject: (error: unknown) => void
}

export function createBatches<T, R>(
  send: (items: T[]) => Promise<R[]>,
  { windowMs, most, atOnce = 1, signal, onTrouble }: BatchOptions,
): (item: T) => Promise<R> {
  let waiting: Waiting<T, R>[] = []
  let scheduled = false
  let underWay = 0

  const schedule = () => {
    if (scheduled || underWay >= atOnce || waiting.length === 0) return
    scheduled = true
    if (windowMs === undefined) setImmediate(fill)
    else setTimeout(fill, windowMs)
  }

  const fill = () => {
    scheduled = false
    while (waiting.length > 0 && underWay < atOnce) {
      const batch = waiting.slice(0, most)
      waiting = waiting.slice(most)
      underWay++
      void answer(batch).finally(() => {
        underWay--
        schedule()
      })
    }
  }

  const answer = async (batch: Waiting<T, R>[]): Promise<void> => {
    try {
      const items = batch.map((entry) => entry.item)
      const answers = await untilAnswered(() => send(items), signal, undefined, onTrouble)
      batch.forEach((entry, i) => entry.resolve(answers[i]!))
    } catch (error) {
      if (batch.length === 1 || signal.aborted) for (const entry of batch) entry.reject(error)
      // The server refused one of them; alone, the others get through.
      else for (const entry of batch) await answer([entry])
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      schedule()
    })
}
