/** The runner's end of the launcher's socket. A lost connection is made anew at the next call. */
import { createConnection, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { performance } from 'node:perf_hooks'
import { monotonicMs } from '../../lib/monotonic.ts'
import type { Launcher } from './launcher.ts'
import { createLineReader, type Answers, type Call, type Reply } from './protocol.ts'
import { spawnLauncher } from './spawn-launcher.ts'

export interface LauncherOptions {
  socketPath: string
  /** Start a launcher process when none listens there. */
  spawnIfMissing: boolean
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

interface Link {
  call<Op extends Call['op']>(call: Extract<Call, { op: Op }>): Promise<Answers[Op]>
  goodbye(): Promise<void>
  open(): boolean
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
  let link = await openLink(options)
  let reopening: Promise<Link> | null = null

  const live = async (): Promise<Link> => {
    if (link.open()) return link
    reopening ??= openLink(options).finally(() => (reopening = null))
    return (link = await reopening)
  }
  return {
    async start(order) {
      const at = monotonicMs()
      return (await live()).call({ op: 'start', order, at })
    },
    exited: async (id) => (await live()).call({ op: 'exited', id }),
    async extend(ids, keepForMs) {
      const at = monotonicMs()
      await (await live()).call({ op: 'extend', ids, keepForMs, at })
    },
    async forget(id) {
      if (link.open()) await link.call({ op: 'forget', id })
    },
    running: async () => (await live()).call({ op: 'running' }),
    delegatedCgroup: async () => (await (await live()).call({ op: 'hello' })).delegatedCgroup,
    close: () => link.goodbye(),
  }
}

async function openLink(options: LauncherOptions): Promise<Link> {
  const giveUpAt = performance.now() + startupMs
  let spawnedAt = -Infinity
  for (;;) {
    try {
      const link = speak(await connect(options.socketPath))
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
        spawnLauncher(options.socketPath)
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

function speak(socket: Socket): Link {
  const waiting = new Map<number, Waiting>()
  let counter = 0
  const onLine = (line: string): void => {
    const reply = JSON.parse(line) as Reply
    const call = waiting.get(reply.n)
    waiting.delete(reply.n)
    if (waiting.size === 0) socket.unref()
    if (reply.ok) call?.resolve(reply.value)
    else call?.reject(new Error(reply.error))
  }
  socket.on('data', createLineReader(onLine))
  socket.on('error', () => {}) // `close` follows
  socket.on('close', () => {
    for (const call of waiting.values()) call.reject(new LauncherGone())
    waiting.clear()
  })
  // An idle connection does not keep the runner's process alive; a pending call does.
  socket.unref()

  const call: Link['call'] = (request) =>
    new Promise((resolve, reject) => {
      if (!socket.writable) return reject(new LauncherGone())
      const n = counter++
      waiting.set(n, { resolve: resolve as Waiting['resolve'], reject })
      socket.ref()
      socket.write(`${JSON.stringify({ n, ...request })}\n`)
    })
  return {
    call,
    open: () => socket.writable,
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
