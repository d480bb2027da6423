/**
 * The runner's end of a process that holds attempts (launcher or driver process): what it knows of an attempt is what
 * that process told; when that one dies, its successor tells.
 */
import { monotonicMs } from '../lib/monotonic.ts'
import { createLogView, type LogView } from './attempt-log.ts'
import {
  AttemptLost,
  StartRefused,
  type AttemptOrder,
  type Ended,
  type Executor,
  type RunningAttempt,
  type StopReason,
} from './executor.ts'
import { LauncherGone } from './launcher/client.ts'
import type { Launcher } from './launcher/launcher.ts'
import type { Answers, Begun, EndEvent, Event, Snapshot } from './launcher/protocol.ts'
import { toEnded } from './supervisor/end.ts'

export interface SupervisedOptions {
  launcher: Launcher
  /** The first calls on every connection; `known`: keys of attempts that this process has. */
  introduce(call: Launcher['call'], known: readonly string[]): Promise<void>
  /** How that process is called in messages. */
  name: string
  onForgotten?(key: string): void
}

export type Supervised = Omit<Executor, 'kind' | 'probe'>

interface Known extends RunningAttempt {
  log: LogView
  over: boolean
  onEnd(event: EndEvent): void
  lose(why: string): void
}

export function createSupervised({ launcher, introduce, name, onForgotten }: SupervisedOptions): Supervised {
  const known = new Map<string, Known>()
  /** Events of an attempt whose start has not been answered yet: both came in one read. */
  const early = new Map<string, Event[]>()

  const onEvent = (event: Event): void => {
    const attempt = known.get(event.key)
    if (!attempt) return void early.get(event.key)?.push(event)
    if (event.event === 'grown') attempt.log.grown(event.log)
    else attempt.onEnd(event)
  }
  launcher.onEvent(onEvent)

  /** On every connection: a launcher that does not know an attempt of ours is not the one that had it. */
  const configured = async (call: Launcher['call']): Promise<void> => {
    await introduce(call, [...known.keys()])
    if (known.size === 0) return
    const found = new Map((await call({ op: 'attempts' })).map((snapshot) => [snapshot.key, snapshot]))
    for (const [key, attempt] of known) {
      const snapshot = found.get(key)
      if (!snapshot) attempt.lose(`its ${name} process was killed, and it with it`)
      else if (snapshot.end) attempt.onEnd(snapshot.end)
      else attempt.log.grown(snapshot.log)
    }
  }
  launcher.onConnected(configured)
  let ready: Promise<void> | null = null
  const isReady = (): Promise<void> => {
    ready ??= configured((first) => launcher.call(first))
    ready.catch(() => (ready = null))
    return ready
  }
  const call: Launcher['call'] = async (request) => {
    await isReady()
    return launcher.call(request)
  }

  let running = 0
  const expect = (more: number): void => {
    running += more
    if (running === 0 || (running === 1 && more > 0)) launcher.expectEvents(running > 0)
  }
  const take = (key: string, note: unknown, begun: Begun, log: LogView): Known => {
    const forget = (): void => {
      known.delete(key)
      onForgotten?.(key)
    }
    const attempt = knownAttempt(key, note, begun, log, call, forget)
    known.set(key, attempt)
    expect(1)
    const over = (): void => expect(-1)
    attempt.ended.then(over, over)
    return attempt
  }
  const adopt = (snapshot: Snapshot): RunningAttempt => {
    const { key, note, log, end } = snapshot
    const there = known.get(key)
    if (there) return there
    const attempt = take(key, note, snapshot, createLogView(snapshot.recordFile, log))
    if (snapshot.secrets) attempt.secrets = snapshot.secrets
    if (end) attempt.onEnd(end)
    return attempt
  }
  const start: Executor['start'] = async (order, signal) => {
    const giveUp = (): void => {
      const reason = isStopReason(signal!.reason) ? signal!.reason : 'timeout'
      call({ op: 'stop', key: order.key, reason, graceMs: 0 }).catch(() => {})
    }
    signal?.addEventListener('abort', giveUp, { once: true })
    const at = monotonicMs()
    early.set(order.key, [])
    try {
      const begun = await begin(order, at)
      if (begun === null) return await findOut(order)
      if ('refused' in begun) {
        const { errorClass, message, share } = begun.refused
        throw new StartRefused(errorClass, message, share)
      }
      const attempt = take(order.key, order.note, begun, createLogView(begun.recordFile, { length: 0 }))
      for (const event of early.get(order.key) ?? []) onEvent(event)
      return attempt
    } catch (error) {
      throw isKnown(error) ? error : new StartRefused('infrastructure', (error as Error).message)
    } finally {
      early.delete(order.key)
      signal?.removeEventListener('abort', giveUp)
    }
  }
  /** Null: the launcher died over it. */
  const begin = async (order: AttemptOrder, at: number): Promise<Answers['start'] | null> => {
    await isReady()
    try {
      return await launcher.call({ op: 'start', order, at })
    } catch (error) {
      if (error instanceof LauncherGone) return null
      throw error
    }
  }
  /** It may have run. What the dead launcher had not written down before it began, never began. */
  const findOut = async ({ key }: AttemptOrder): Promise<RunningAttempt> => {
    const told = early.get(key)?.find((event) => event.event === 'ended')
    const found = await call({ op: 'attempts' }).catch((error: Error) => {
      throw new AttemptLost(`its ${name} process died, and whether it began cannot be found out: ${error.message}`)
    })
    const snapshot = found.find((one) => one.key === key)
    if (!snapshot) throw new StartRefused('infrastructure', `the ${name} process died before it had begun`)
    return adopt({ ...snapshot, end: told ?? snapshot.end })
  }

  return {
    start,
    extend: (keys, keepForMs) => launcher.extend(keys, keepForMs),
    attempts: async () => (await call({ op: 'attempts' })).map(adopt),
    sweep: () => call({ op: 'sweep' }),
    cool: async () => void (await launcher.call({ op: 'cool' }).catch(() => {})),
    async close() {
      await launcher.call({ op: 'cool' }).catch(() => {})
      await Promise.all([...known.values()].map(({ log }) => log.close()))
    },
  }
}

const isStopReason = (reason: unknown): reason is StopReason => typeof reason === 'string'
const isKnown = (error: unknown): boolean => error instanceof StartRefused || error instanceof AttemptLost

function knownAttempt(
  key: string,
  note: unknown,
  { startedAt, unenforced }: Begun,
  log: LogView,
  call: Launcher['call'],
  forget: () => void,
): Known {
  let settle: (ended: Ended) => void = () => {}
  let fail: (error: Error) => void = () => {}
  const ended = new Promise<Ended>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  ended.catch(() => {})
  const attempt: Known = {
    key,
    note,
    log,
    unenforced,
    startedAt: new Date(startedAt),
    ended,
    over: false,
    onEnd(event) {
      if (attempt.over) return
      attempt.over = true
      log.ended(event)
      try {
        settle(toEnded(event.end))
      } catch (error) {
        fail(error as Error)
      }
    },
    lose(why) {
      if (!attempt.over) fail(new AttemptLost(why))
      attempt.over = true
    },
    async stop(reason, graceMs) {
      // A launcher that died meanwhile has ended it harder.
      if (!attempt.over) await call({ op: 'stop', key, reason, graceMs }).catch(() => {})
      await ended.catch(() => {})
    },
    usage: () => call({ op: 'usage', key }),
    async release() {
      await call({ op: 'release', key })
      await log.close()
      forget()
    },
  }
  return attempt
}
