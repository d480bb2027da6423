/**
 * What the launcher has started: each with its keeper's deadline, its record on disk, and whoever waits for its end.
 * Nothing here is needed to take an attempt over: `launch.json` and `exit.json` in the attempt's directory say it all.
 */
import { spawn } from 'node:child_process'
import { open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { monotonicMs } from '../../lib/monotonic.ts'
import { killTree, type Tree } from '../kill-tree.ts'
import { bootId, startTimeOf } from '../processes.ts'
import { chainOf } from './chain.ts'
import { openForChild } from './hand-over.ts'
import type { Launched, LaunchExit, LaunchOrder } from './launcher.ts'

interface Attempt {
  tree: Tree
  /** `monotonicMs` */
  keepUntil: number
  killedByKeeper: boolean
  /** A kill is under way; it is repeated until the end is seen. */
  killing: boolean
  exit: LaunchExit | null
  waiting: ((exit: LaunchExit) => void)[]
  /** Settles when `exit.json` is written. */
  recorded: Promise<void>
}

export interface Attempts {
  /** `at`: when it was asked for. */
  start(order: LaunchOrder, at: number): Promise<Launched>
  exited(id: string): Promise<LaunchExit>
  extend(ids: string[], keepForMs: number, at: number): void
  forget(id: string): Promise<void>
  running(): string[]
  /** Kills every attempt whose deadline has passed. */
  keep(): void
  killAll(): Promise<void>
}

/** Passes this far apart: this process stood still, and extensions may wait in its socket. */
const stillMs = 1000
/** So long they get to be read before anything is killed. */
const catchUpMs = 200

export function createAttempts(privateDir: string, onIdle: () => void): Attempts {
  const attempts = new Map<string, Attempt>()
  const boot = bootId()
  let lastLook = monotonicMs()
  let killNotBefore = 0
  let catchingUp = false
  const alive = (): Attempt[] => [...attempts.values()].filter((attempt) => attempt.exit === null)

  const ended = (id: string, recordDir: string, code: number | null, signal: string | null): void => {
    const attempt = attempts.get(id)
    if (!attempt) return
    const exit: LaunchExit = { id, code, signal, killedByKeeper: attempt.killedByKeeper }
    attempt.exit = exit
    for (const resolve of attempt.waiting.splice(0)) resolve(exit)
    // A released attempt has no directory any more, and nobody who would read this.
    attempt.recorded = record(recordDir, 'exit.json', { ...exit, at: new Date().toISOString() }, true).catch(() => {})
    if (alive().length === 0) onIdle()
  }

  return {
    async start(order, at) {
      if (attempts.has(order.id)) throw new Error(`attempt ${order.id} was started before`)
      const keepUntil = at + order.keepForMs
      if (keepUntil <= monotonicMs()) throw new Error('its lease ran out before the launcher came to start it')
      const files = openForChild(order.fds, privateDir)
      let child
      try {
        const chain = chainOf(order)
        child = spawn(chain.file, chain.args, {
          cwd: order.cwd,
          env: order.env,
          stdio: files.stdio,
          detached: true,
        })
      } finally {
        files.close()
      }
      const { pid } = child
      if (pid === undefined) throw await new Promise<Error>((resolve) => child.once('error', resolve))
      const launched: Launched = { pid, startTime: startTimeOf(pid) ?? '' }
      attempts.set(order.id, {
        tree: { cgroups: order.cgroupProcs.map((file) => dirname(file)), roots: [launched], marker: order.marker },
        keepUntil,
        killedByKeeper: false,
        killing: false,
        exit: null,
        waiting: [],
        recorded: Promise.resolve(),
      })
      child.once('exit', (code, signal) => ended(order.id, order.recordDir, code, signal))
      const facts = { id: order.id, pid, start_time: launched.startTime, boot_id: boot, at: new Date().toISOString() }
      try {
        await record(order.recordDir, 'launch.json', facts)
      } catch (error) {
        // A full disk: what a successor could not find must not run.
        await killTree(attempts.get(order.id)?.tree ?? { cgroups: [], roots: [launched] })
        throw error
      }
      return launched
    },
    exited(id) {
      const attempt = attempts.get(id)
      if (!attempt) return Promise.reject(new Error(`unknown attempt ${id}`))
      if (attempt.exit) return Promise.resolve(attempt.exit)
      return new Promise((resolve) => attempt.waiting.push(resolve))
    },
    extend(ids, keepForMs, at) {
      for (const id of ids) {
        const attempt = attempts.get(id)
        if (attempt) attempt.keepUntil = keepForMs === 0 ? 0 : Math.max(attempt.keepUntil, at + keepForMs)
      }
    },
    async forget(id) {
      const attempt = attempts.get(id)
      // One that still runs keeps its keeper.
      if (!attempt?.exit) return
      attempts.delete(id)
      // The caller is about to remove the directory.
      await attempt.recorded
    },
    running: () => [...attempts].filter(([, attempt]) => attempt.exit === null).map(([id]) => id),
    keep() {
      const now = monotonicMs()
      const stoodStill = now - lastLook > stillMs
      // Once in a row: a host that is always this slow must not keep the keeper from its work.
      if (stoodStill && !catchingUp) killNotBefore = now + catchUpMs
      catchingUp = stoodStill
      lastLook = now
      for (const attempt of alive()) {
        const mustDie = attempt.keepUntil === 0 || (now >= attempt.keepUntil && now >= killNotBefore)
        if (!mustDie || attempt.killing) continue
        attempt.killedByKeeper = true
        attempt.killing = true
        void killTree(attempt.tree).then(() => (attempt.killing = false))
      }
    },
    async killAll() {
      await Promise.all(alive().map((attempt) => killTree(attempt.tree)))
    },
  }
}

/**
 * Written beside and renamed, so that a reader sees all of it or nothing. Only the end is synced: after a power cut no
 * process is alive, which the boot id in `launch.json` shows, but how one ended is worth keeping.
 */
async function record(dir: string, name: string, document: unknown, sync = false): Promise<void> {
  const path = join(dir, name)
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify(document))
    if (sync) await file.datasync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
