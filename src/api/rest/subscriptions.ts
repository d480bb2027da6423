/** The topics of the WebSocket: each runs until it is done or ended. */
import type { Ask } from '../../operations/deps.ts'
import type { Operations } from '../../operations/index.ts'
import type { clientMessage, ServerMessage } from '../contract/live.ts'
import type * as z from 'zod'
import { framesOf, type LogPage } from './log-frames.ts'
import type { Outbox } from './outbox.ts'

export type Subscribe = Extract<z.output<typeof clientMessage>, { type: 'subscribe' }>

export interface Subscription {
  /** Rejects with what the peer is told. */
  done: Promise<void>
  end(): void
}

export interface Watch<Message> {
  message: Message
  ask: Ask
  operations: Operations
  outbox: Outbox
  send(message: ServerMessage): Promise<boolean>
}

type LogMessage = Extract<Subscribe, { topic: 'log' }>
type JobsMessage = Extract<Subscribe, { topic: 'jobs' | 'job' }>

export function watchLog({ message, ask, operations, outbox, send }: Watch<LogMessage>): Subscription {
  const { id: sub, job_id: jobId, attempt, stream, offset, onward } = message
  const ending = new AbortController()
  const sendPage = async (page: LogPage): Promise<boolean> => {
    const sends = framesOf(page, sub).map((slab) => outbox.sendFrames(slab.bytes, slab.release))
    return (await Promise.all(sends)).every((sent) => sent)
  }
  const run = async (): Promise<void> => {
    // Refuses a job that may not be seen with the same words as the REST route.
    await operations.getJob(ask, jobId)
    await send({ type: 'subscribed', sub })
    for await (const event of operations.followLog(ask, { jobId, attempt, stream, offset, onward }, ending.signal)) {
      if (ending.signal.aborted) return
      const sent =
        event.type === 'end'
          ? await send({ type: 'log_end', sub, attempt: event.attempt, state: event.state })
          : await sendPage(event)
      if (!sent) return
    }
  }
  return { done: run(), end: () => ending.abort() }
}

/** How many jobs are looked up at a time. */
const page = 200

/** All jobs that the asker may see, or one of them. Several changes in short time come as one, the last. */
export function watchJobs({ message, ask, operations, outbox, send }: Watch<JobsMessage>): Subscription {
  const sub = message.id
  const only = message.topic === 'job' ? message.job_id : undefined
  const pending = new Set<string>()
  let behind = false
  let running = true
  let wake = (): void => {}

  const unwatch = operations.changes.watch({
    changed(ids) {
      for (const id of ids) if (only === undefined || id === only) pending.add(id)
      if (only === undefined && (pending.size > 2_000 || outbox.full())) {
        pending.clear()
        behind = true
      }
      wake()
    },
    resync() {
      if (only === undefined) behind = true
      else pending.add(only)
      wake()
    },
  })

  const tell = async (ids: string[]): Promise<void> => {
    // Alone also one that the asker began of somebody else's event; lists have one's own.
    const alone = only === undefined ? null : await operations.glanceAtJob(ask, only)
    const jobs = only === undefined ? await operations.showJobs(ask, ids) : alone === null ? [] : [alone]
    for (const job of jobs) await send({ type: 'job', sub, job })
    if (only !== undefined && jobs.length === 0) {
      await send({ type: 'job_gone', sub, job_id: only })
      running = false
    }
  }

  const run = async (): Promise<void> => {
    if (only !== undefined) await operations.getJob(ask, only)
    await send({ type: 'subscribed', sub })
    if (only !== undefined) pending.add(only)
    while (running) {
      if (behind) {
        behind = false
        await send({ type: 'resync', sub })
      } else if (pending.size > 0) {
        const ids = [...pending].slice(0, page)
        for (const id of ids) pending.delete(id)
        await tell(ids)
      } else {
        await new Promise<void>((resolve) => (wake = resolve))
      }
    }
  }
  const end = (): void => {
    running = false
    unwatch()
    wake()
  }
  return { done: run().finally(end), end }
}
