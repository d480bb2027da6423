/** A command's side of `clients.sock`. */
import { createConnection, type Socket } from 'node:net'
import { AppError } from '../../lib/app-error.ts'
import { clientsSocket } from './host.ts'
import { onMessages, say, type HostSays } from './messages.ts'

export interface Member {
  url: string
  /** Of the running server, which may be another than ours. */
  version: string
  pid: number
  /** Dies with us: when we are killed, the server cancels it. */
  bindJob(id: string): void
  keep(): Promise<void>
  /** Resolves when the server has stopped. */
  stop(): Promise<void>
  /** What went wrong after all, e.g. the runner does not start; never settles when all is well. */
  trouble: Promise<string>
  /** Resolves when the connection has ended: so has the server, unless it was we who left. */
  closed: Promise<void>
  /** Resolves at once, or when the server has stopped because we were the last. */
  leave(): Promise<void>
}

/** A stopping server gets so long; then we leave without having seen its end. */
const stopPatienceMs = 60_000
/** It answers at once, unless it hangs; then there is nothing to wait for. */
const byePatienceMs = 5_000

/** Undefined: nobody takes clients there (not yet, or no longer). */
export async function joinInstance(
  runDir: string,
  wants: { runner: boolean; onProgress?: (text: string) => void },
): Promise<Member | undefined> {
  const socket = createConnection(clientsSocket(runDir))
  const connected = await new Promise<boolean>((resolve, reject) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') reject(new AppError('permission_denied', `${runDir} belongs to another user`))
      else resolve(false)
    })
  })
  if (!connected) return undefined
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const heard = listen(socket, closed)
  say(socket, { type: 'join', runner: wants.runner })
  for (;;) {
    const message = await heard.next(['progress', 'ready', 'failed'])
    if (message === undefined) return undefined
    if (message.type === 'progress') wants.onProgress?.(message.text)
    if (message.type === 'failed') {
      await leave(socket, heard, closed)
      throw new AppError('unavailable', message.message)
    }
    if (message.type === 'ready') return member(socket, message, heard, closed)
  }
}

type Heard = ReturnType<typeof listen>

function listen(socket: Socket, closed: Promise<void>) {
  const waiting: HostSays[] = []
  const asleep = new Set<() => void>()
  let ended = false
  const awake = (): void => {
    for (const wake of asleep) wake()
    asleep.clear()
  }
  void closed.then(() => {
    ended = true
    awake()
  })
  onMessages<HostSays>(socket, (message) => {
    waiting.push(message)
    awake()
  })
  return {
    /** The next message of one of these types; undefined when the connection has ended. */
    async next(types: HostSays['type'][]): Promise<HostSays | undefined> {
      for (;;) {
        const at = waiting.findIndex(({ type }) => types.includes(type))
        if (at >= 0) return waiting.splice(at, 1)[0]
        if (ended) return undefined
        await new Promise<void>((resolve) => asleep.add(resolve))
      }
    },
  }
}

function member(socket: Socket, ready: HostSays & { type: 'ready' }, heard: Heard, closed: Promise<void>): Member {
  return {
    url: ready.url,
    version: ready.version,
    pid: ready.pid,
    trouble: new Promise((resolve) => {
      void heard.next(['failed']).then((message) => message?.type === 'failed' && resolve(message.message))
    }),
    closed,
    bindJob: (id) => say(socket, { type: 'job', id }),
    async keep() {
      say(socket, { type: 'keep' })
      if ((await heard.next(['kept'])) === undefined)
        throw new AppError('unavailable', 'the server is stopping; try again')
    },
    async stop() {
      say(socket, { type: 'stop' })
      await within(stopPatienceMs, closed)
      socket.destroy()
    },
    leave: () => leave(socket, heard, closed),
  }
}

async function leave(socket: Socket, heard: Heard, closed: Promise<void>): Promise<void> {
  if (socket.destroyed) return
  say(socket, { type: 'leave' })
  const bye = await within(byePatienceMs, heard.next(['bye']))
  if (bye?.type === 'bye' && bye.last) await within(stopPatienceMs, closed)
  socket.destroy()
}

async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, ms, undefined)))
  return Promise.race([work, patience]).finally(() => clearTimeout(timer))
}
