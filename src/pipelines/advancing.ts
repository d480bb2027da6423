/**
 * Keeps runs going: what is heard of a run is followed up at once, and every few seconds a look at all of them finds what
 * nobody told. One of all servers does it; two would only wait for each other.
 */
import { emitFact } from '../lib/facts.ts'
import { createKeyedWork } from '../lib/keyed-work.ts'
import type { Service } from '../lib/service.ts'
import type { Db } from '../db/pool.ts'
import { fixedPlansByKey, inTransaction } from '../queue/statements.ts'
import { admitWaiting, waitingToAdmit } from './admit-waiting.ts'
import { advanceRun, type Advanced } from './advance.ts'
import { startChild, stopChild } from './children.ts'
import type { RemoveLogs } from './delete-run.ts'
import { giveUpRun, isPassing } from './give-up.ts'
import { stopRunsOfLeavers } from './leavers.ts'
import type { FailedOutput } from './on-error.ts'
import { neglectedRuns, pipelineRunsAmong, runningRuns } from './open-steps.ts'
import { retainRuns } from './retention.ts'
import type { PipelineHooks } from './run.ts'

/** A slow step of a large run must not hold up the others; each takes a connection of the pool. */
const runsAtOnce = 4
const lookEveryMs = 5_000
/** What `on_error` is told of the failed task's output. */
const outputBytes = 64 * 1024
const kindsKept = 10_000
/** A step that fails by a defect is tried again with each look; a run that nobody can go on with must not seem to run. */
const patience = { failures: 10, ms: 60_000 }

export interface Advancing {
  service: Service
  /** Keys of runs that changed, of batches too; without, all are looked at next. Never waits. */
  heard(keys?: readonly string[]): void
  /** When all that was heard is done. */
  idle(): Promise<void>
}

export function advancing(
  db: Db,
  hooks: PipelineHooks,
  options: {
    removeLogs: RemoveLogs
    onError(name: string, error: unknown): void
    wake(withinMs: number): void
    /** Of one run, in a row, and for so long. */
    patience?: typeof patience
  },
): Advancing {
  const name = 'pipelines.advance'
  /** Of runs that we heard of: whether they are to be advanced. */
  const kinds = new Map<string, boolean>()
  const dueAt = new Map<string, number>()
  /** Running ones of which we know when something is due. */
  const stepped = new Set<string>()
  const failures = new Map<string, { times: number; since: number }>()
  const { failures: most, ms: atLeastMs } = options.patience ?? patience
  let lookAtAll = true
  const runs = createKeyedWork({
    concurrency: runsAtOnce,
    onError(key, error) {
      const before = failures.get(key) ?? { times: 0, since: performance.now() }
      failures.set(key, isPassing(error) ? before : { ...before, times: before.times + 1 })
      options.onError(name, error)
    },
    async work(key) {
      if (kinds.get(key) ?? (await isOurs(key))) await (isHopeless(key) ? giveUp(key) : follow(key))
      failures.delete(key)
    },
  })

  function isHopeless(key: string): boolean {
    const failed = failures.get(key)
    return failed !== undefined && failed.times >= most && performance.now() - failed.since >= atLeastMs
  }

  async function giveUp(key: string): Promise<void> {
    const { times, since } = failures.get(key)!
    const seconds = Math.round((performance.now() - since) / 1000)
    emitFact({ name: 'pipeline_run.given_up', level: 'error', run: key, failures: times, seconds })
    const words = `the server could not go on with it: ${times} steps failed in ${seconds} s; its log says why`
    for (const child of await giveUpRun(db, hooks, key, words)) await stopChild(db, hooks, child)
    await follow(key)
  }

  async function isOurs(key: string): Promise<boolean> {
    const [ours] = await pipelineRunsAmong(db, [key])
    remember(key, ours !== undefined)
    return ours !== undefined
  }

  function remember(key: string, ours: boolean): void {
    kinds.set(key, ours)
    if (kinds.size > kindsKept) kinds.delete(kinds.keys().next().value!)
  }

  async function follow(key: string, failedOutput?: FailedOutput): Promise<void> {
    const step = await inTransaction(
      db,
      async (tx, last) => {
        const done = await advanceRun(tx, hooks, key, { last, ...(failedOutput && { failedOutput }) })
        // Nothing but the lock: its commit need not wait for the disk.
        if (!done.moved) await last('set local synchronous_commit = off')
        return done
      },
      fixedPlansByKey,
    )
    if (step.outputWanted !== null) return follow(key, await outputOf(step.outputWanted))
    await after(key, step)
  }

  async function outputOf(jobId: string): Promise<FailedOutput> {
    // A log that nobody has is no reason to keep on_error from running.
    const output = await hooks.readOutput(jobId, outputBytes).catch((error: unknown) => {
      options.onError(name, error)
      return { stdout: '', stderr: '' }
    })
    return { jobId, ...output }
  }

  async function after(key: string, step: Advanced): Promise<void> {
    dueAt.delete(key)
    stepped.delete(key)
    if (step.state === 'ended' || step.state === 'gone') remember(key, false)
    if (step.state === 'running') stepped.add(key)
    if (step.state === 'running' && step.dueInMs !== null) dueAt.set(key, performance.now() + step.dueInMs)
    // What is due later the next look finds; of waiting ones it asks the database itself.
    if (step.dueInMs !== null && step.dueInMs > 0 && step.dueInMs < lookEveryMs) options.wake(step.dueInMs)
    if (step.again) runs.add(key)
    for (const child of step.children) {
      const started = await startChild(db, hooks, key, child)
      if (started !== null) runs.add(started)
    }
    for (const child of step.stopChildren) await stopChild(db, hooks, child)
    if (step.ended) {
      if (step.moved) emitFact({ name: 'pipeline_run.ended' })
      await admitWaiting(db, hooks, step.pipelineId!)
      await retainRuns(db, step.pipelineId!, options.removeLogs)
    }
  }

  async function look(): Promise<void> {
    const all = lookAtAll
    lookAtAll = false
    try {
      await stopRunsOfLeavers(db, hooks)
      const running = await runningRuns(db)
      const open = new Set(running)
      for (const key of stepped) if (!open.has(key)) stepped.delete(key)
      // One that started elsewhere, unheard of, may have a time limit.
      const unknown = running.filter((key) => !stepped.has(key))
      const mine = all ? running : [...unknown, ...(await neglectedRuns(db))]
      for (const key of mine) remember(key, true)
      for (const key of new Set([...mine, ...failures.keys()])) runs.add(key)
    } catch (error) {
      lookAtAll ||= all
      throw error
    }
  }

  /** What is wrong with one pipeline holds up no other. */
  async function admitAll(pipelineIds: readonly string[]): Promise<void> {
    for (const id of pipelineIds) {
      try {
        await admitWaiting(db, hooks, id)
      } catch (error) {
        if (isPassing(error)) throw error
        options.onError(name, error)
      }
    }
  }

  let nextLook = 0
  return {
    heard(keys) {
      if (keys === undefined) {
        lookAtAll = true
        nextLook = 0
        options.wake(0)
      } else for (const key of keys) if (kinds.get(key) !== false) runs.add(key)
    },
    idle: () => runs.idle(),
    service: {
      name,
      every: lookEveryMs,
      async runOnce() {
        const now = performance.now()
        if (lookAtAll || now >= nextLook) {
          nextLook = now + lookEveryMs
          await look()
        }
        for (const [key, at] of dueAt) {
          if (at > now) continue
          dueAt.delete(key)
          runs.add(key)
        }
        const { pipelineIds, nextMs } = await waitingToAdmit(db)
        await admitAll(pipelineIds)
        const due = Math.min(...dueAt.values()) - performance.now()
        return Math.max(1, Math.min(lookEveryMs, due, nextMs ?? Infinity))
      },
    },
  }
}
