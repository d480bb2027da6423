/**
 * An attempt that the runner's own process does, in place of a command: it runs no user code, so it needs no launcher, no
 * cgroup and no user. Nothing of it survives the runner; one that is killed meanwhile is lost.
 */
import type { AttemptOrder, Ended, RunningAttempt, StopReason } from './executor.ts'
import { createMask } from './mask.ts'
import { collectOutput } from './output/collect.ts'
import { createMemoryLog } from './output/memory-log.ts'

export interface InProcess {
  signal: AbortSignal
  /** Of the attempt's log; secrets are masked. A promise when more should wait. */
  print(stream: 'stdout' | 'stderr', bytes: Uint8Array | string): void
}

export interface Done {
  exitCode: number
  /** Masked before it is told. */
  said: NonNullable<Ended['said']>
}

/** `work` may reject only when it was aborted; anything else is told as a failure of the class `exit`. */
export function runInProcess(
  order: AttemptOrder,
  secrets: string[],
  work: (tools: InProcess) => Promise<Done>,
): RunningAttempt {
  const log = createMemoryLog()
  // A receiver may say back what it was called by.
  const mask = createMask(secrets)
  const output = collectOutput({ sink: log, secrets, limitBytes: order.limits.output_bytes ?? logBytes })
  const stopped = new AbortController()
  const startedAt = new Date()
  let reason: StopReason | undefined

  const print: InProcess['print'] = (stream, bytes) => void output.take(stream, Buffer.from(bytes as Uint8Array))
  const live = async (): Promise<Ended> => {
    const done = await work({ signal: stopped.signal, print }).catch((error: unknown): Done | undefined =>
      reason === undefined ? { exitCode: 70, said: { message: String(error), errorClass: 'exit' } } : undefined,
    )
    clearTimeout(wallTime)
    void output.finish()
    log.end()
    return {
      ...nothingUsed,
      exitCode: done === undefined ? null : done.exitCode,
      signal: done === undefined ? 'SIGTERM' : null,
      ...(reason === undefined || done !== undefined ? {} : { reason }),
      ...(done === undefined ? {} : { said: { ...done.said, message: mask.text(done.said.message) } }),
      startedAt,
      endedAt: new Date(),
    }
  }
  const stop = async (why: StopReason): Promise<void> => {
    reason ??= why
    stopped.abort()
    await ended
  }
  const wallTime = setTimeout(() => void stop('timeout'), order.timeoutMs)
  wallTime.unref()
  const ended = live()

  return {
    key: order.key,
    note: order.note,
    log,
    unenforced: [],
    startedAt,
    ended,
    stop,
    usage: async () => ({}),
    release: () => stop('lease_lost'),
  }
}

/** The log is in memory until it is shipped. */
const logBytes = 4 * 1024 * 1024
const nothingUsed = { oomKills: 0, oomKilled: false, usage: {}, remaining: 0, unenforced: [] }
