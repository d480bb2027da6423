/** For tests: an executor in directories of its own, jobs in one line, and a look at what is left afterwards. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cgroupMounts } from '../cgroup/mounts.ts'
import { baseName } from '../cgroup/base.ts'
import type { AttemptOrder, Ended, Executor, RunningAttempt } from '../executor.ts'
import { connectLauncher } from '../launcher/client.ts'
import type { Launcher } from '../launcher/launcher.ts'
import { allPids, commandLineOf } from '../processes.ts'
import { createSandboxExecutor, type SandboxOptions } from '../sandbox.ts'
import { runnerTag } from '../sandbox/ground.ts'
import { homePrefix } from '../sandbox/unisolated.ts'
import { waiterLine } from '../sandbox/waiter.ts'
import { sampleOrder, type Overrides } from './orders.ts'
import { textOf } from './read-log.ts'
import { until } from './until.ts'

export interface Ran extends Ended {
  stdout: string
  stderr: string
}

export interface Rig {
  executor: Executor
  launcher: Launcher
  runDir: string
  attemptsDir: string
  order(command: string[], overrides?: Overrides): AttemptOrder
  start(command: string[], overrides?: Overrides): Promise<Started>
  run(command: string[], overrides?: Overrides): Promise<Ran>
  /** As another runner process would make it: a new connection, nothing in memory. */
  successor(): Promise<Executor>
  /** What is left of attempts: files, homes, and cgroups and pipes of slots that are not as good as new. */
  leftovers(): string[]
  close(): Promise<void>
}

export interface Started {
  attempt: RunningAttempt
  order: AttemptOrder
  /** What it has printed so far. */
  stdout(): Promise<string>
}

export const openPolicy = {
  allowIsolationNone: true,
  allowNetworkHost: true,
  allowedWorkdirs: [],
  allowedReadOnlyBinds: [],
  allowedReadWriteBinds: [],
}

export async function createRig(options: Partial<SandboxOptions> = {}): Promise<Rig> {
  const root = mkdtempSync(join(tmpdir(), 'runyard-rig-'))
  const runDir = join(root, 'run')
  const attemptsDir = join(root, 'attempts')
  mkdirSync(runDir, { mode: 0o700 })
  const launchers: Launcher[] = []
  const connect = async (): Promise<Launcher> => {
    const launcher = await connectLauncher({ socketPath: join(runDir, 'launcher.sock'), spawnIfMissing: true })
    launchers.push(launcher)
    return launcher
  }
  const make = (launcher: Launcher): Executor =>
    createSandboxExecutor({ attemptsDir, uidBase: 390_000, uidCount: 8, ...openPolicy, warm, launcher, ...options })
  const launcher = await connect()
  const executor = make(launcher)

  const start: Rig['start'] = async (command, overrides) => {
    const order = sampleOrder(command, overrides)
    const attempt = await executor.start(order)
    return { attempt, order, stdout: () => textOf(attempt.log, 'stdout') }
  }
  return {
    executor,
    launcher,
    runDir,
    attemptsDir,
    order: sampleOrder,
    start,
    async run(command, overrides) {
      const { attempt } = await start(command, overrides)
      try {
        const ended = await attempt.ended
        return { ...ended, stdout: await textOf(attempt.log, 'stdout'), stderr: await textOf(attempt.log, 'stderr') }
      } finally {
        await attempt.release()
      }
    },
    successor: async () => make(await connect()),
    leftovers: () => [...filesIn(attemptsDir), ...homesOf(runDir), ...busyCgroups(runDir)],
    async close() {
      await executor.close()
      for (const one of launchers) await one.close()
      // One that came second when two started a launcher at once may just be looking.
      await until(() => processesWith(`${join(runDir, 'launcher.sock')}\0`).length === 0)
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** An empty state file waits for the next attempt. */
const filesIn = (dir: string): string[] =>
  namesIn(dir).filter((name) => !name.endsWith('.attempt') || statSync(join(dir, name)).size > 0)
const namesIn = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : [])
const homesOf = (runDir: string): string[] =>
  readdirSync(tmpdir()).filter(
    (name) => name.startsWith(homePrefix(runnerTag(runDir))) && readdirSync(join(tmpdir(), name)).length > 0,
  )

/** `RUNYARD_TEST_WARM=always`: every sandbox that can be is built before its order comes. */
export const everyStartWarm = process.env.RUNYARD_TEST_WARM === 'always'
const warm = { always: everyStartWarm }

/** Warm slots may stay, with a sandbox in it that waits for its job or is being built; another process in one may not. */
const busyCgroups = (runDir: string): string[] =>
  cgroupsOf(runDir).filter((dir) => {
    // Empty between the two halves of an exec, and of a zombie.
    const lines = pidsIn(dir).map(commandLineOf).filter(Boolean)
    return lines.length > 0 && !lines.some((line) => line.includes(waiterLine('')) || line.includes('/starter.pl\0'))
  })

function pidsIn(dir: string): number[] {
  try {
    return readFileSync(join(dir, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** The processes of sandboxes that were built ahead and have no job yet. */
export const waitersIn = (runDir: string): number[] =>
  [...new Set(cgroupsOf(runDir).flatMap(pidsIn))].filter((pid) => commandLineOf(pid).includes(waiterLine('')))

export function cgroupsOf(runDir: string): string[] {
  const { v1, v2 } = cgroupMounts()
  return [...new Set([...v1.values(), ...(v2 ? [v2] : [])])].flatMap((mount) => {
    const dir = join(mount, baseName(), runnerTag(runDir))
    if (!existsSync(dir)) return []
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(dir, entry.name))
  })
}

/** Pids whose command line contains these words, NUL between arguments. */
export function processesWith(words: string): number[] {
  return allPids().filter((pid) => commandLineOf(pid).includes(words))
}
