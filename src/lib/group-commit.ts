/**
 * Many callers, one transaction: what arrives while a flush is in flight goes together into the next one. So a
 * single caller never waits for company, and a crowd pays one fsync together.
 */
export interface GroupCommit<In, Out> {
  add(item: In): Promise<Out>
  /** Resolves when everything that was added before is settled. */
  drain(): Promise<void>
}

export type Settled<Out> = { ok: true; value: Out } | { ok: false; error: unknown }

interface Waiting<In, Out> {
  item: In
  settle(result: Settled<Out>): void
}

/** `run` answers for each item apart; when it throws as a whole, every item of the flush gets that error. */
export function createGroupCommit<In, Out>(
  run: (items: In[]) => Promise<Settled<Out>[]>,
  options: { maxItems: number; concurrency: number },
): GroupCommit<In, Out> {
  let waiting: Waiting<In, Out>[] = []
  const flights = new Set<Promise<void>>()

  const fly = async (batch: Waiting<In, Out>[]): Promise<void> => {
    try {
      const results = await run(batch.map((entry) => entry.item))
      batch.forEach((entry, i) => {
        entry.settle(results[i] ?? { ok: false, error: new Error('a flush left an item without an answer') })
      })
    } catch (error) {
      for (const entry of batch) entry.settle({ ok: false, error })
    }
  }

  const pump = (): void => {
    while (waiting.length > 0 && flights.size < options.concurrency) {
      const batch = waiting.slice(0, options.maxItems)
      waiting = waiting.slice(options.maxItems)
      const flight: Promise<void> = fly(batch).then(() => {
        flights.delete(flight)
        pump()
      })
      flights.add(flight)
    }
  }

  return {
    add(item) {
      return new Promise<Out>((resolve, reject) => {
        waiting.push({ item, settle: (result) => (result.ok ? resolve(result.value) : reject(result.error as Error)) })
        // One turn of the loop: callers of the same turn share the flush.
        setImmediate(pump)
      })
    },
    async drain() {
      while (waiting.length > 0 || flights.size > 0) {
        pump()
        await Promise.all(flights)
      }
    },
  }
}
