/** The runner's end of the launcher's socket. A lost connection is made anew: at the next call, or at once by `onLost`. */
import { createConnection, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { performance } from 'node:perf_hooks'
import { monotonicMs } from '../../lib/monotonic.ts'
import type { Launcher } from './launcher.ts'
import { launcherProgram, type Program } from './instance.ts'
import { createLineReader, createLineWriter, type Answers, type Call, type Event, type Reply } from './protocol.ts'
import { spawnLauncher } from './spawn-launcher.ts'

export interface LauncherOptions {
  socketPath: string
  /** Start a launcher process when none listens there. */
  spawnIfMissing: boolean
  /** The launcher that is started belongs to us: it kills all and removes its directory when we are gone. */
  endsWithUs?: boolean
  /** Which one; the launcher when missing. */
  program?: Program
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

interface Link {
  call<Op extends Call['op']>(call: Extract<Call, { op: Op }>): Promise<Answers[Op]>
  goodbye(): Promise<void>
  open(): boolean
  expect(events: boolean): void
}

const startupMs = 15_000
/** One that finds another still leaving gives up at once, so it is tried again. */
const spawnEveryMs = 1000
const goodbyeMs = 2000

export class LauncherGone extends Error {
  constructor() {
    super('the launcher process is gone')
    this.name = 'LauncherGone'
  }
}

export async function connectLauncher(options: LauncherOptions): Promise<Launcher> {
  const onEvents: ((event: Event) => void)[] = []
  const onConnects: ((call: Launcher['call']) => Promise<void>)[] = []
  let closed = false
  let expecting = false
  let reopening: Promise<Link> | null = null
  const onEvent = (event: Event): void => {
    for (const listener of onEvents) listener(event)
  }
  const onLost = (): void => {
    // Somebody cares what became of the attempts: not at the next call, now.
    if (!closed && onConnects.length > 0) live().catch(() => {})
  }
  const openAnew = async (): Promise<Link> => {
    const fresh = await openLink(options, onEvent, onLost)
    for (const listener of onConnects) await listener(fresh.call)
    fresh.expect(expecting)
    return fresh
  }
  let link = await openLink(options, onEvent, onLost)

  const live = async (): Promise<Link> => {
    reopening ??= openAnew().finally(() => (reopening = null))
    return (link = await reopening)
  }
  const call: Launcher['call'] = (request) =>
    link.open() && !reopening ? link.call(request) : live().then((fresh) => fresh.call(request))
  return {
    call,
    async extend(keys, keepForMs) {
      await call({ op: 'extend', keys, keepForMs, at: monotonicMs() })
    },
    onEvent: (listener) => void onEvents.push(listener),
    expectEvents(on) {
      expecting = on
      link.expect(on)
    },
    onConnected: (listener) => void onConnects.push(listener),
    async close() {
      closed = true
      await reopening?.catch(() => {})
      await link.goodbye()
    },
  }
}

async function openLink(options: LauncherOptions, onEvent: (event: Event) => void, onLost: () => void): Promise<Link> {
  const giveUpAt = performance.now() + startupMs
  let spawnedAt = -Infinity
  for (;;) {
    try {
      const link = speak(await connect(options.socketPath), onEvent, onLost)
      // A launcher that was just about to leave does not answer any more.
      await link.call({ op: 'hello' })
      return link
    } catch (error) {
      if (!options.spawnIfMissing) throw error
      if (performance.now() > giveUpAt) {
        throw new Error(
          `the launcher process did not come up within ${startupMs / 1000} s: ${(error as Error).message}`,
        )
      }
      if (performance.now() - spawnedAt > spawnEveryMs) {
        spawnLauncher(options.program ?? launcherProgram, options.socketPath, options.endsWithUs ?? false)
        spawnedAt = performance.now()
      }
      await sleep(10)
    }
  }
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function speak(socket: Socket, onEvent: (event: Event) => void, onLost: () => void): Link {
  const waiting = new Map<number, Waiting>()
  let counter = 0
  let answered = false
  let expecting = false
  // An idle connection does not keep the runner's process alive; a pending call or a running attempt does.
  const mind = (): void => void (waiting.size > 0 || expecting ? socket.ref() : socket.unref())
  const onLine = (line: string): void => {
    const said = JSON.parse(line) as Reply | Event
    if ('event' in said) return onEvent(said)
    const call = waiting.get(said.n)
    waiting.delete(said.n)
    answered = true
    if (waiting.size === 0) mind()
    if (said.ok) call?.resolve(said.value)
    else call?.reject(new Error(said.error))
  }
  const say = createLineWriter((text) => socket.writable && socket.write(text))
  socket.on('data', createLineReader(onLine))
  socket.on('error', () => {}) // `close` follows
  socket.on('close', () => {
    for (const call of waiting.values()) call.reject(new LauncherGone())
    waiting.clear()
    if (answered) onLost()
  })
  mind()

  const call: Link['call'] = (request) =>
    new Promise((resolve, reject) => {
      if (!socket.writable) return reject(new LauncherGone())
      const n = counter++
      waiting.set(n, { resolve: resolve as Waiting['resolve'], reject })
      if (waiting.size === 1) mind()
      say({ n, ...request })
    })
  return {
    call,
    open: () => socket.writable,
    expect(events) {
      expecting = events
      mind()
    },
    async goodbye() {
      if (!socket.writable) return
      // One that stands still must not keep us from leaving.
      const late = sleep(goodbyeMs, undefined, { ref: false }).then(() => socket.destroy())
      await Promise.race([call({ op: 'goodbye' }).catch(() => {}), late])
      if (socket.destroyed) return
      await new Promise<void>((resolve) => {
        socket.once('close', () => resolve())
        socket.end()
        socket.ref()
      })
    },
  }
}
