/**
 * An executor without processes, for tests of the runner: it records the same logs, settles the same promises in the
 * same order and ends as its script says.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AttemptLost,
  type AttemptLog,
  type StartRefused,
  type AttemptOrder,
  type Ended,
  type Executor,
  type Facilities,
  type RunningAttempt,
  type StopReason,
} from './executor.ts'
import { collectOutput } from './output/collect.ts'
import { createMemoryLog } from './output/memory-log.ts'

export interface FakeRun {
  stdout?: string | Uint8Array
  stderr?: string | Uint8Array
  /** Runs this long unless it is stopped; the output comes at the beginning. */
  ms?: number
  exitCode?: number
  signal?: string
  oomKilled?: boolean
  /** Keeps running after SIGTERM, for the whole grace. */
  ignoresTerm?: boolean
  unenforced?: string[]
  /** `start` throws it. */
  refuse?: Error
  /** Starts, and then turns out never to have run: `ended` rejects with it. */
  refuseLate?: StartRefused
  /** Its launcher dies with it: `ended` rejects with AttemptLost. */
  lost?: boolean
  /** From this byte of the record file on, reading it fails. */
  unreadableFrom?: number
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

/** What outlives a runner process: give it to the next executor, which then finds the attempts of the one before. */
export type FakeHost = Map<string, RunningAttempt & { kill(): void }>

export interface FakeExecutor extends Executor {
  started: AttemptOrder[]
  /** Unreleased attempts by key. */
  host: FakeHost
  /** Keys of every call of `extend`. */
  extended: string[][]
}

export function createFakeExecutor(
  script: (order: AttemptOrder) => FakeRun = () => ({}),
  host: FakeHost = new Map(),
): FakeExecutor {
  const started: AttemptOrder[] = []
  const extended: string[][] = []
  let listed = new Set<string>()
  return {
    kind: 'fake',
    started,
    host,
    extended,
    probe: async () => everything,
    async start(order) {
      const plan = script(order)
      if (plan.refuse) throw plan.refuse
      started.push(order)
      const attempt = running(order, plan, () => void host.delete(order.key))
      host.set(order.key, attempt)
      listed.add(order.key)
      return attempt
    },
    async extend(keys) {
      extended.push(keys)
    },
    async attempts() {
      listed = new Set(host.keys())
      return [...host.values()]
    },
    async cool() {},
    async sweep() {
      const strays = [...host].filter(([key]) => !listed.has(key))
      for (const [, attempt] of strays) await attempt.release()
      return strays.length
    },
    close: async () => {},
  }
}

const damaged = (log: AttemptLog, from: number): AttemptLog => ({
  ...log,
  async read(offset, into) {
    if (offset + into.length > from) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    return log.read(offset, into)
  },
})

function running(order: AttemptOrder, plan: FakeRun, forget: () => void): RunningAttempt & { kill(): void } {
  const log = createMemoryLog()
  const secrets = Object.values(order.secretEnv ?? {})
  const output = collectOutput({ sink: log, secrets, limitBytes: order.limits?.output_bytes })
  const stopped = new AbortController()
  const startedAt = new Date()
  let signal: string | null = plan.signal ?? null
  let reason: StopReason | undefined
  let over = false

  const live = async (): Promise<Ended> => {
    void output.take('stdout', Buffer.from(plan.stdout ?? ''))
    void output.take('stderr', Buffer.from(plan.stderr ?? ''))
    await sleep(plan.ms ?? 0, undefined, { signal: stopped.signal }).catch(() => {})
    over = true
    void output.finish()
    log.end()
    if (plan.refuseLate) throw plan.refuseLate
    if (plan.lost) throw new AttemptLost('its launcher died')
    return {
      exitCode: signal === null ? (plan.exitCode ?? 0) : null,
      signal,
      ...(reason === undefined ? {} : { reason }),
      oomKills: plan.oomKilled ? 1 : 0,
      oomKilled: plan.oomKilled ?? false,
      usage: { cpu_ms: 1 },
      remaining: 0,
      unenforced: plan.unenforced ?? [],
      startedAt,
      endedAt: new Date(),
    }
  }
  const ended = live()
  ended.catch(() => {})
  const die = (by: string): void => {
    if (!over) signal ??= by
    stopped.abort()
  }
  const stop = async (why: StopReason, graceMs: number): Promise<void> => {
    if (!over) reason ??= why
    if (graceMs > 0 && !plan.ignoresTerm) die('SIGTERM')
    else if (graceMs === 0) die('SIGKILL')
    else void sleep(graceMs, undefined, { ref: false }).then(() => die('SIGKILL'))
    await ended.catch(() => {})
  }
  const wallTime = setTimeout(() => void stop('timeout', order.stopGraceMs), Math.min(order.timeoutMs ?? 1e9, 1e9))
  wallTime.unref()
  void ended.catch(() => {}).then(() => clearTimeout(wallTime))

  return {
    key: order.key,
    note: order.note,
    log: plan.unreadableFrom === undefined ? log : damaged(log, plan.unreadableFrom),
    unenforced: plan.unenforced ?? [],
    startedAt,
    ended,
    stop,
    kill: () => die('SIGKILL'),
    usage: async () => ({ cpu_ms: 1 }),
    async release() {
      die('SIGKILL')
      await ended.catch(() => {})
      forget()
    },
  }
}
