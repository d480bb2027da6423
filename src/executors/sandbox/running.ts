/** A started attempt, by this process or by an earlier one: how it ends, how it is stopped, what it leaves (nothing). */
import { rm } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { oomKillsOf, removeAttemptCgroup } from '../cgroup/attempt-cgroup.ts'
import type { Ended, RunningAttempt } from '../executor.ts'
import { killTree, pidsOf, thaw } from '../kill-tree.ts'
import type { Launcher } from '../launcher/launcher.ts'
import type { PipePool } from '../pipes.ts'
import { isAlive, signalTo, type ProcessId } from '../processes.ts'
import { readStatus, signalOf } from './status.ts'
import { loadExit, statusFileOf, treeOf, type AttemptState, type ExitRecord } from './state.ts'
import { meterOf } from './usage.ts'

export interface RunningDeps {
  launcher: Launcher
  pipes: PipePool
}

const pollMs = 100
/** Uninterruptible sleep: after this long we say what remains instead of waiting for ever. */
const unkillableMs = 30_000

export function runningAttempt(
  state: AttemptState,
  main: ProcessId | null,
  exit: Promise<ExitRecord>,
  deps: RunningDeps,
): RunningAttempt {
  const tree = () => treeOf(state, main)
  const meter = meterOf(state, tree)
  let ended = false
  let giveUp: (record: ExitRecord) => void = () => {}
  const unkillable = new Promise<ExitRecord>((resolve) => (giveUp = resolve))
  const end = Promise.race([exit, unkillable]).then(async (record) => {
    const endedAt = new Date(record.at)
    // The main process is gone: what it left running in the background goes with it.
    const remaining = await killTree(tree())
    const result = await resultOf(state, record, endedAt, remaining, await meter.read())
    meter.stop()
    ended = true
    return result
  })
  end.catch(() => {})

  /** The earliest moment that any `stop` asked for. */
  let killAt = Infinity
  let stopping: Promise<void> | null = null
  let hurry: () => void = () => {}

  const terminate = (): void => {
    const now = tree()
    thaw(now.cgroups)
    // The monitor and the sandbox's init are ours: TERM to the monitor would be a hard kill of the sandbox.
    const spared = new Set([main?.pid, readStatus(statusFileOf(state.dir)).initPid])
    if (state.isolation === 'none') spared.clear()
    for (const pid of pidsOf(now)) {
      if (spared.has(pid)) continue
      signalTo(pid, 'SIGTERM')
      // A stopped process gets to its handler only when it goes on.
      signalTo(pid, 'SIGCONT')
    }
  }

  const climb = async (): Promise<void> => {
    if (killAt > performance.now()) terminate()
    while (!ended && performance.now() < killAt) {
      const patience = sleep(Math.max(1, killAt - performance.now()), undefined, { ref: false })
      await Promise.race([end, patience, new Promise<void>((resolve) => (hurry = resolve))])
    }
    if (!ended) {
      const remaining = await killTree(tree(), unkillableMs)
      if (remaining > 0) giveUp({ code: null, signal: 'SIGKILL', killedByKeeper: false, at: new Date().toISOString() })
    }
    await end.catch(() => {})
  }

  const stop = (graceMs: number): Promise<void> => {
    killAt = Math.min(killAt, performance.now() + graceMs)
    hurry()
    return (stopping ??= climb())
  }

  return {
    ...state.pipes,
    unenforced: state.unenforced,
    startedAt: new Date(state.startedAt),
    ended: end,
    stop,
    usage: () => meter.read(),
    async release() {
      if (!ended) await stop(0)
      meter.stop()
      await releaseState(state, deps)
    },
  }
}

/** Removes everything that `start` made, in any state of completion. */
export async function releaseState(state: AttemptState, deps: RunningDeps): Promise<void> {
  await deps.launcher.forget(state.key).catch(() => {})
  await removeAttemptCgroup(state.cgroup)
  await deps.pipes.drop(state.key)
  if (state.home) await rm(state.home, { recursive: true, force: true })
  await rm(state.dir, { recursive: true, force: true, maxRetries: 5 })
}

async function resultOf(
  state: AttemptState,
  record: ExitRecord,
  endedAt: Date,
  remaining: number,
  usage: Ended['usage'],
): Promise<Ended> {
  const oomKills = await oomKillsOf(state.cgroup)
  const reported = state.isolation === 'full' ? readStatus(statusFileOf(state.dir)).exitCode : null
  // Without bubblewrap's line the monitor itself was killed, and its own end is the attempt's.
  const exitCode = reported ?? record.code
  const signal = reported === null && record.signal !== null ? record.signal : signalOf(exitCode)
  return {
    exitCode: reported === null && record.signal !== null ? null : exitCode,
    signal,
    oomKills,
    oomKilled: oomKills > 0 && signal === 'SIGKILL',
    usage,
    remaining,
    unenforced: state.unenforced,
    killedByKeeper: record.killedByKeeper,
    startedAt: new Date(state.startedAt),
    endedAt,
  }
}

/** From the launcher; from the process table and the record on disk when the launcher does not know the attempt. */
export async function exitOf(state: AttemptState, main: ProcessId, launcher: Launcher): Promise<ExitRecord> {
  try {
    return { ...(await launcher.exited(state.key)), at: new Date().toISOString() }
  } catch {
    while (isAlive(main)) await sleep(pollMs)
    // The launcher writes the record just after the process is gone.
    for (let tries = 0; tries < 10; tries++) {
      const record = await loadExit(state.dir)
      if (record) return record
      await sleep(20)
    }
    return { code: null, signal: 'SIGKILL', killedByKeeper: false, at: new Date().toISOString() }
  }
}
