/** For tests: an executor in directories of its own, jobs in one line, and a look at what is left afterwards. */
import { constants, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
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

export interface Started {
  attempt: RunningAttempt
  order: AttemptOrder
  /** Grows while the job writes. */
  output: { stdout: string; stderr: string }
  /** Both pipes have ended. */
  drained: Promise<void>
}

export interface Ran extends Ended {
  stdout: string
  stderr: string
}

export type Overrides = Partial<Omit<AttemptOrder, 'spec' | 'limits'>> & {
  spec?: Partial<AttemptOrder['spec']>
  limits?: Partial<AttemptOrder['limits']>
}

export interface Rig {
  executor: Executor
  launcher: Launcher
  runDir: string
  order(command: string[], overrides?: Overrides): AttemptOrder
  start(command: string[], overrides?: Overrides): Promise<Started>
  run(command: string[], overrides?: Overrides): Promise<Ran>
  /** Directories of attempts that are still there, in the file system and in the cgroups. */
  leftovers(): string[]
  close(): Promise<void>
}

const MiB = 1024 * 1024
let counter = 0

export const openPolicy = {
  allowIsolationNone: true,
  allowNetworkHost: true,
  allowedWorkdirs: [],
  allowedReadOnlyBinds: [],
  allowedReadWriteBinds: [],
}

export async function createRig(
  options: Partial<SandboxOptions> = {},
  make: (options: SandboxOptions) => Executor = createSandboxExecutor,
): Promise<Rig> {
  const root = mkdtempSync(join(tmpdir(), 'runyard-rig-'))
  const runDir = join(root, 'run')
  mkdirSync(runDir, { mode: 0o700 })
  const launcher = await connectLauncher({ socketPath: join(runDir, 'launcher.sock'), spawnIfMissing: true })
  const executor = make({ runDir, uidBase: 390_000, uidCount: 8, ...openPolicy, launcher, ...options })

  const order: Rig['order'] = (command, { spec, limits, ...rest } = {}) => {
    const key = `${process.pid}-${++counter}`
    return {
      key,
      spec: {
        name: 'test',
        command,
        queue: 'default',
        priority: 5,
        max_attempts: 1,
        stop_grace_seconds: 5,
        executor: 'sandbox',
        isolation: 'full',
        network: 'none',
        ...spec,
      },
      env: { RUNYARD_JOB_ID: 'abcdef012345' },
      secretEnv: {},
      limits: { cpu: 2, memory_bytes: 256 * MiB, pids: 64, open_files: 1024, disk_bytes: 16 * MiB, ...limits },
      named: [],
      timeoutMs: 60_000,
      stopGraceMs: 5000,
      dir: join(root, 'attempts', key),
      slot: counter % 8,
      keepForMs: 60_000,
      ...rest,
    }
  }

  const start: Rig['start'] = async (command, overrides) => {
    const made = order(command, overrides)
    const output = { stdout: '', stderr: '' }
    const ends: Promise<void>[] = []
    const onPipes = async (pipes: { stdout: string; stderr: string }): Promise<void> => {
      for (const name of ['stdout', 'stderr'] as const)
        ends.push(collect(pipes[name], (text) => (output[name] += text)))
    }
    const attempt = await executor.start({ onPipes, ...made })
    return { attempt, order: made, output, drained: Promise.all(ends).then(() => {}) }
  }

  return {
    executor,
    launcher,
    runDir,
    order,
    start,
    async run(command, overrides) {
      const { attempt, output, drained } = await start(command, overrides)
      const ended = await attempt.ended
      await drained
      await attempt.release()
      return { ...ended, ...output }
    },
    leftovers: () => [...namesIn(join(root, 'attempts')), ...pipesIn(runDir), ...cgroupsOf(runDir)],
    async close() {
      await executor.sweep(new Set())
      await executor.close()
      await launcher.close()
      // The launcher is just leaving and may still write its code cache.
      for (let tries = 0; existsSync(root) && tries < 100; tries++) {
        rmSync(root, { recursive: true, force: true })
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
}

export function collect(path: string, take: (text: string) => void): Promise<void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const socket = new Socket({ fd, readable: true, writable: false })
  socket.setEncoding('latin1')
  socket.on('data', take)
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

const namesIn = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : [])
const pipesIn = (runDir: string): string[] => namesIn(join(runDir, 'pipes')).filter((name) => !name.startsWith('free.'))

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
