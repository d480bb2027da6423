/** A place in memory that outlives driver processes: commands are told what to print and when to end. */
import { AttemptLost, StartRefused } from '../../executor.ts'
import type { Driven, DrivenEnd, Driver, DriveTools } from '../driver.ts'

export interface PlacedRun {
  stdout: Buffer
  stderr: Buffer
  /** Signals it got. */
  signals: string[]
  /** It ends by SIGTERM; otherwise only by SIGKILL. */
  minds: boolean
  ended: PromiseWithResolvers<DrivenEnd>
  cleared: boolean
  tell: (() => void)[]
}

const noEnd: Omit<DrivenEnd, 'exitCode' | 'signal'> = { oomKilled: false, usage: {}, remaining: 0 }

export function createFakePlace() {
  const runs = new Map<string, PlacedRun>()
  /** A start waits for it, as for an image. */
  let gate: Promise<void> | null = null
  /** Attaches without an order too, as an engine can that needs no credentials. */
  let forgiving = false
  const print = (key: string, stream: 'stdout' | 'stderr', text: string): void => {
    const run = runs.get(key)!
    run[stream] = Buffer.concat([run[stream], Buffer.from(text)])
    for (const tell of run.tell) tell()
  }
  const end = (key: string, how: Partial<DrivenEnd> = {}): void =>
    runs.get(key)!.ended.resolve({ exitCode: 0, signal: null, ...noEnd, ...how })

  const drive = (key: string, tools: DriveTools): Driven => {
    const run = runs.get(key)!
    const told = { stdout: 0, stderr: 0 }
    const tell = (): void => {
      for (const stream of ['stdout', 'stderr'] as const) {
        const fresh = run[stream].subarray(told[stream])
        told[stream] = run[stream].length
        if (fresh.length > 0) void tools.output(stream, fresh)
      }
    }
    run.tell.push(tell)
    tell()
    return {
      startedAt: 1_700_000_000_000,
      unenforced: ['pids: nobody counts here'],
      ended: run.ended.promise,
      async signal(which) {
        run.signals.push(which)
        if (which === 'KILL' || run.minds) end(key, { exitCode: null, signal: `SIG${which}` })
      },
      usage: async () => ({ cpu_ms: 5 }),
      async clear() {
        run.cleared = true
      },
    }
  }
  const driver: Driver = {
    kind: 'container',
    async start(order, tools) {
      tools.save({ place: order.key })
      const [how] = order.spec.command
      const stopped = new Promise<never>((_, reject) => {
        tools.signal.addEventListener('abort', () => reject(new Error('given up')))
      })
      stopped.catch(() => {})
      if (gate) await Promise.race([gate, stopped])
      if (how === 'refuse') throw new StartRefused('unreachable', 'nobody answers')
      if (how === 'vanish') throw new AttemptLost('nobody knows')
      const ended = Promise.withResolvers<DrivenEnd>()
      const empty = Buffer.alloc(0)
      const run = {
        stdout: empty,
        stderr: empty,
        signals: [],
        minds: how !== 'stubborn',
        ended,
        cleared: false,
        tell: [],
      }
      runs.set(order.key, run)
      return drive(order.key, tools)
    },
    async attach({ key, handle, order }, tools) {
      if (!runs.has((handle as { place: string }).place)) throw new AttemptLost('it is not there any more')
      if (order === undefined && !forgiving) {
        end(key, { exitCode: null, signal: 'SIGKILL' })
        throw new AttemptLost('nobody has its secrets any more')
      }
      return drive(key, tools)
    },
    async sweep(known) {
      return [...runs.keys()].filter((key) => !known.has(key)).length
    },
    state: () => ({ warm: [] }),
    cool: async () => {},
    close: async () => {},
  }
  return {
    driver,
    runs,
    print,
    end,
    forgive: (): void => void (forgiving = true),
    /** Starts wait until the function that it answers is called. */
    hold(): () => void {
      const held = Promise.withResolvers<void>()
      gate = held.promise
      return () => {
        gate = null
        held.resolve()
      }
    },
  }
}
