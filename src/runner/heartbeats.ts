/** The main thread's side of the heartbeat thread. */
import { Worker } from 'node:worker_threads'
import type { AttemptRef, HeartbeatAnswer } from './control-plane.ts'
import type { FromHeartbeats, HeartbeatSetup, ToHeartbeats } from './heartbeat-worker.ts'

export interface HeartbeatEvents {
  /** `keepUntil`: renewed attempts may live until then (`monotonicMs`). */
  onAnswer(answer: HeartbeatAnswer, keepUntil: number): void
  /** The first of a row. */
  onFailure(code: string, message: string): void
}

export interface Heartbeats {
  /** Everything this runner holds, after each change. */
  hold(held: AttemptRef[]): void
  stop(): Promise<void>
}

export type StartHeartbeats = (setup: HeartbeatSetup, events: HeartbeatEvents) => Heartbeats

/** Bundled, the entry stands beside this code as plain JavaScript. */
const entry = new URL(
  import.meta.url.endsWith('.ts') ? './heartbeat-worker.ts' : './heartbeat-worker.js',
  import.meta.url,
)

/** It holds a list of ids and one connection. */
const small = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 128 }

export const startHeartbeats: StartHeartbeats = (setup, events) => {
  let worker: Worker
  let stopping = false
  let held: AttemptRef[] = []
  let failing = false
  const tell = (message: ToHeartbeats) => worker.postMessage(message)

  const start = () => {
    worker = new Worker(entry, { workerData: setup, resourceLimits: small })
    worker.on('message', (message: FromHeartbeats) => {
      if (message.type === 'answer') events.onAnswer(message.answer, message.keepUntil)
      else if (!failing || message.code === 'failed_precondition') events.onFailure(message.code, message.message)
      failing = message.type === 'failure'
    })
    worker.on('error', (error) => events.onFailure('internal', `the heartbeat thread failed: ${String(error)}`))
    worker.on('exit', () => {
      if (!stopping) setTimeout(start, 100) // leases hang on it
    })
    tell({ type: 'held', held })
  }
  start()
  const signs = setInterval(() => tell({ type: 'alive' }), Math.min(setup.heartbeatMs, setup.silenceMs / 3))
  signs.unref()

  return {
    hold(refs) {
      held = refs
      tell({ type: 'held', held })
    },
    async stop() {
      stopping = true
      clearInterval(signs)
      const gone = new Promise((resolve) => worker.once('exit', resolve))
      tell({ type: 'stop' })
      const timer = setTimeout(() => void worker.terminate(), 1_000)
      await gone
      clearTimeout(timer)
    },
  }
}
