/**
 * An executor without processes, for tests of the runner: it makes the same pipes, calls the same hooks in the same
 * order and ends as its script says.
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AttemptOrder, Ended, Executor, Facilities, RunningAttempt } from './executor.ts'
import { createPipePool, holdPipes } from './pipes.ts'

export interface FakeRun {
  stdout?: string | Uint8Array
  stderr?: string | Uint8Array
  /** Runs this long unless it is stopped. */
  ms?: number
  exitCode?: number
  signal?: string
  oomKilled?: boolean
  /** Keeps running after SIGTERM, for the whole grace. */
  ignoresTerm?: boolean
  unenforced?: string[]
  /** Throw a StartRefused here. */
  refuse?: Error
}

const everything: Facilities = {
  isolation: { full: true },
  limits: {
    cpu: { held: true, by: 'fake' },
    memory_bytes: { held: true, by: 'fake' },
    pids: { held: true, by: 'fake' },
    open_files: { held: true, by: 'fake' },
    output_bytes: { held: true, by: 'fake' },
    disk_bytes: { held: true, by: 'fake' },
    io_bytes_per_second: { held: true, by: 'fake' },
  },
  cgroup: 'none',
}

const writeAll = async (path: string, bytes: string | Uint8Array): Promise<void> => {
  // r+ is O_RDWR: like a real job, it never waits for a reader and never dies of a missing one.
  const stream = createWriteStream(path, { flags: 'r+' })
  stream.end(bytes)
  await once(stream, 'close')
}

export interface FakeExecutor extends Executor {
  started: AttemptOrder[]
}

export function createFakeExecutor(script: (order: AttemptOrder) => FakeRun = () => ({})): FakeExecutor {
  const started: AttemptOrder[] = []
  return {
    kind: 'fake',
    started,
    probe: async () => everything,
    adopt: async () => null,
    sweep: async () => 0,
    close: async () => {},
    async start(order) {
      const plan = script(order)
      if (plan.refuse) throw plan.refuse
      await mkdir(order.dir, { recursive: true })
      const pipes = await createPipePool(join(order.dir, 'pipes')).take(order.key)
      const held = await holdPipes(pipes)
      await order.onPipes?.(pipes)
      started.push(order)
      return running(order, plan, pipes, held)
    },
  }
}

function running(
  order: AttemptOrder,
  plan: FakeRun,
  pipes: { stdout: string; stderr: string },
  held: { close(): Promise<void> },
): RunningAttempt {
  const stopped = new AbortController()
  const startedAt = new Date()
  let signal: string | null = plan.signal ?? null
  let over = false

  const live = async (): Promise<Ended> => {
    await writeAll(pipes.stdout, plan.stdout ?? '')
    await writeAll(pipes.stderr, plan.stderr ?? '')
    await sleep(plan.ms ?? 0, undefined, { signal: stopped.signal }).catch(() => {})
    over = true
    await held.close()
    return {
      exitCode: signal === null ? (plan.exitCode ?? 0) : null,
      signal,
      oomKills: plan.oomKilled ? 1 : 0,
      oomKilled: plan.oomKilled ?? false,
      usage: { cpu_ms: 1 },
      remaining: 0,
      unenforced: plan.unenforced ?? [],
      killedByKeeper: false,
      startedAt,
      endedAt: new Date(),
    }
  }
  const ended = live()
  const die = (by: string): void => {
    if (!over) signal ??= by
    stopped.abort()
  }

  return {
    ...pipes,
    unenforced: plan.unenforced ?? [],
    startedAt,
    ended,
    async stop(graceMs) {
      if (graceMs > 0 && !plan.ignoresTerm) die('SIGTERM')
      else if (graceMs === 0) die('SIGKILL')
      else void sleep(graceMs, undefined, { ref: false }).then(() => die('SIGKILL'))
      await ended
    },
    usage: async () => ({ cpu_ms: 1 }),
    async release() {
      die('SIGKILL')
      await ended
      await rm(order.dir, { recursive: true, force: true })
    },
  }
}
