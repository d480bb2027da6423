/**
 * Gathers single messages into calls: the first waits a few milliseconds for company, and while a call is under way the
 * next one fills. Every message gets its own answer.
 */
import { untilAnswered } from './backoff.ts'

export interface BatchOptions {
  windowMs: number
  most: number
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
  options: BatchOptions,
): (item: T) => Promise<R> {
  let waiting: Waiting<T, R>[] = []
  let running = false

  const run = async () => {
    running = true
    await new Promise((resolve) => setTimeout(resolve, options.windowMs))
    while (waiting.length > 0) {
      const batch = waiting.slice(0, options.most)
      waiting = waiting.slice(options.most)
      await answer(batch)
    }
    running = false
  }

  const answer = async (batch: Waiting<T, R>[]): Promise<void> => {
    try {
      const items = batch.map((entry) => entry.item)
      const answers = await untilAnswered(() => send(items), options.signal, undefined, options.onTrouble)
      batch.forEach((entry, i) => entry.resolve(answers[i]!))
    } catch (error) {
      if (batch.length === 1 || options.signal.aborted) for (const entry of batch) entry.reject(error)
      // The server refused one of them; alone, the others get through.
      else for (const entry of batch) await answer([entry])
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!running) void run()
    })
}
