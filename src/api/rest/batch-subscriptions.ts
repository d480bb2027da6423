/**
 * The topics of batches. A batch of 10,000 jobs changes hundreds of times a second: each subscription looks at most every
 * `pauseMs`, and tells of each batch that changed since then once, as it is then.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Subscribe, Subscription, Watch } from './subscriptions.ts'

type BatchMessage = Extract<Subscribe, { topic: 'batches' | 'batch' }>

/** At most four messages a second of one batch. */
const pauseMs = 250
/** Batches, or members, that one look takes up. */
const atOnce = 500
/** Beyond so many changed members a fresh look at the list is cheaper. */
const mostPending = 2_000

export function watchBatches({ message, ask, operations, outbox, send }: Watch<BatchMessage>): Subscription {
  const sub = message.id
  const only = message.topic === 'batch' ? message.batch_id : undefined
  const members = message.topic === 'batch' && message.members
  let onlyKey: string | undefined
  const changed = new Set<string>()
  const gone = new Set<string>()
  const jobs = new Set<string>()
  let behind = false
  let running = true
  let wake = (): void => {}
  const ending = new AbortController()

  const fallBehind = (dropped: Set<string>): void => {
    dropped.clear()
    behind = true
  }
  const unwatchRuns = operations.runChanges.watch({
    changed(keys) {
      // Before it is known which one is meant, the first look comes anyway.
      for (const key of keys) if (only === undefined || key === onlyKey) changed.add(key)
      if (only === undefined && (changed.size > mostPending || outbox.full())) fallBehind(changed)
      wake()
    },
    gone(run) {
      if (run.kind !== 'batch') return
      if (only === undefined ? operations.maySeeBatchOf(ask, run.ownerId) : run.publicId === only)
        gone.add(run.publicId)
      wake()
    },
    resync() {
      if (only === undefined) fallBehind(changed)
      if (onlyKey !== undefined) changed.add(onlyKey)
      wake()
    },
  })
  const unwatchJobs = members
    ? operations.changes.watch({
        changed(ids) {
          for (const id of ids) jobs.add(id)
          if (jobs.size > mostPending || outbox.full()) fallBehind(jobs)
          wake()
        },
        resync() {
          fallBehind(jobs)
          wake()
        },
      })
    : () => {}

  const take = (from: Set<string>): string[] => {
    const taken = [...from].slice(0, atOnce)
    for (const one of taken) from.delete(one)
    return taken
  }
  const look = async (): Promise<void> => {
    if (behind) {
      behind = false
      await send({ type: 'resync', sub })
    }
    const keys = take(changed)
    const batches = keys.length > 0 ? await operations.showBatches(ask, keys) : new Map()
    for (const batch of batches.values()) await send({ type: 'batch', sub, batch })
    if (onlyKey !== undefined && keys.includes(onlyKey) && !batches.has(onlyKey)) gone.add(only!)
    const ids = take(jobs)
    const shown = ids.length > 0 ? await operations.showJobs(ask, ids, onlyKey) : []
    for (const job of shown) await send({ type: 'job', sub, job })
    for (const id of take(gone)) {
      await send({ type: 'batch_gone', sub, batch_id: id })
      if (id === only) running = false
    }
  }

  const run = async (): Promise<void> => {
    if (only !== undefined) onlyKey = await operations.batchKey(ask, only)
    await send({ type: 'subscribed', sub })
    if (onlyKey !== undefined) changed.add(onlyKey)
    while (running) {
      if (!behind && changed.size + gone.size + jobs.size === 0) {
        await new Promise<void>((resolve) => (wake = resolve))
        continue
      }
      await look()
      if (running) await sleep(pauseMs, undefined, { signal: ending.signal }).catch(() => {})
    }
  }
  const end = (): void => {
    running = false
    unwatchRuns()
    unwatchJobs()
    ending.abort()
    wake()
  }
  return { done: run().finally(end), end }
}
