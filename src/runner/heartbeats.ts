/** The main thread's side of the heartbeat thread. */
import { Worker } from 'node:worker_threads'
import type { AttemptRef, HeartbeatAnswer } from './control-plane.ts'
import type { FromHeartbeats, HeartbeatSetup, ToHeartbeats } from './heartbeat-worker.ts'

export interface HeartbeatEvents {
  /** Everything this runner holds. */
  held(): AttemptRef[]
  /** `keepUntil`: renewed attempts may live until then (`monotonicMs`). */
  onAnswer(answer: HeartbeatAnswer, keepUntil: number): void
  /** The first of a row. */
  onFailure(code: string, message: string): void
}

export interface Heartbeats {
  /** `held` has changed; the thread is told within a moment, once for many changes. */
  changed(): void
  /** The credentials on disk are new. */
  renewed(): void
  stop(): Promise<void>
}

/** Another process has the runner's name, or its certificate was revoked: no later heartbeat will be answered either. */
export const isFinal = (code: string): boolean =>
  code === 'failed_precondition' || code === 'unauthenticated' || code === 'permission_denied'

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
  let failing = false
  // A fresh lease is good for three heartbeats, so the next one need not know of it at once.
  const tellAfterMs = Math.min(500, setup.heartbeatMs / 4)
  let telling: NodeJS.Timeout | undefined
  const tell = (message: ToHeartbeats) => worker.postMessage(message)
  const tellHeld = () => {
    telling = undefined
    tell({ type: 'held', held: events.held() })
  }

  const start = () => {
    worker = new Worker(entry, { workerData: setup, resourceLimits: small })
    worker.on('message', (message: FromHeartbeats) => {
      if (message.type === 'answer') events.onAnswer(message.answer, message.keepUntil)
      else if (!failing || isFinal(message.code)) events.onFailure(message.code, message.message)
      failing = message.type === 'failure'
    })
    worker.on('error', (error) => events.onFailure('internal', `the heartbeat thread failed: ${String(error)}`))
    worker.on('exit', () => {
      if (!stopping) setTimeout(start, 100) // leases hang on it
    })
    tellHeld()
  }
  start()
  const signs = setInterval(() => tell({ type: 'alive' }), Math.min(setup.heartbeatMs, setup.silenceMs / 3))
  signs.unref()

  return {
    changed() {
      telling ??= setTimeout(tellHeld, tellAfterMs).unref()
    },
    renewed: () => tell({ type: 'renewed' }),
    async stop() {
      stopping = true
      clearInterval(signs)
      clearTimeout(telling)
      const gone = new Promise((resolve) => worker.once('exit', resolve))
      tell({ type: 'stop' })
      const timer = setTimeout(() => void worker.terminate(), 1_000)
      await gone
      clearTimeout(timer)
    },
  }
}
