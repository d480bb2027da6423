/**
 * The frame of a process that holds attempts for a runner and outlives it: one per socket, calls come in and events go out
 * as lines of JSON. Without attempts and without clients it ends.
 *
 * `--with-client`: it belongs to one program and dies with that, attempts and directory included. The kernel closes the
 * connection of a program that was killed, so this needs no deadline.
 */
import { chmodSync, closeSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import type { Watcher } from '../supervisor/teller.ts'
import { instanceName, withClientFlag, type Program } from './instance.ts'
import { createLineReader, createLineWriter, type Request } from './protocol.ts'

/** What is behind the socket. */
export interface Holder {
  running(): number
  answer(request: Request, session: Session): Promise<unknown> | unknown
  unwatch(watcher: Watcher): void
  /** Ends all attempts, also those that are just being started. */
  killAll(): Promise<void>
  close(): Promise<void>
}

/** Of one client; `config` as it told it. */
export interface Session {
  config: unknown
  watcher: Watcher
}

const lonelyMs = 5000

/** What we inherited and did not open ourselves would be inherited by jobs in turn: bubblewrap passes it on. */
function closeInherited(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name)
    if (fd <= 2) continue
    try {
      const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0'
      if ((Number.parseInt(flags, 8) & 0o2000000) === 0) closeSync(fd)
    } catch {
      // The directory's own fd, gone by now.
    }
  }
}

/** What is ours goes; the directory goes with whoever is the last to leave it. */
function clearAway(socketPath: string, { codeCacheName, logName }: Program): void {
  const dir = dirname(socketPath)
  try {
    for (const path of [socketPath, join(dir, codeCacheName), join(dir, logName)]) {
      rmSync(path, { force: true, recursive: true })
    }
    rmdirSync(dir)
  } catch {
    // Somebody else's files are in it, or it is gone already.
  }
}

/** `make` gets what to call when nothing runs any more. Arguments of the process: SOCKET [--with-client]. */
export function serveAttempts(program: Program, make: (onIdle: () => void, socketPath: string) => Holder): void {
  const [socketPath, whose] = process.argv.slice(2)
  if (!socketPath) {
    process.stderr.write('usage: main.ts SOCKET [--with-client]\n')
    process.exit(2)
  }
  closeInherited()
  serve(program, make, socketPath, whose === withClientFlag)
}

function serve(
  program: Program,
  make: (onIdle: () => void, socketPath: string) => Holder,
  socketPath: string,
  withClient: boolean,
): void {
  const clients = new Set<Socket>()
  let lonely: NodeJS.Timeout | undefined
  let patience = lonelyMs

  const isAlone = (): boolean => clients.size === 0 && holder.running() === 0
  const leaveIfAlone = (): void => {
    clearTimeout(lonely)
    if (!isAlone()) return
    lonely = setTimeout(() => {
      if (isAlone()) void leave()
    }, patience)
  }
  let leaving = false
  const leave = async (): Promise<void> => {
    leaving = true
    await holder.close()
    clearAway(socketPath, program)
    if (withClient) rmSync(dirname(socketPath), { recursive: true, force: true })
    process.exit(0)
  }
  const killAndLeave = async (): Promise<void> => {
    await holder.killAll()
    await leave()
  }
  const holder = make(leaveIfAlone, socketPath)

  const accept = (client: Socket): void => {
    // Whoever comes now is not heard, finds us gone and starts another.
    if (leaving) return void client.destroy()
    clients.add(client)
    clearTimeout(lonely)
    const say = createLineWriter((text) => client.writable && client.write(text))
    const session: Session = { config: null, watcher: say }
    let letGo = lonelyMs
    const onLine = (line: string): void => {
      const request = JSON.parse(line) as Request
      // One that vanishes without this is perhaps being restarted.
      if (request.op === 'goodbye') letGo = 0
      if (request.op === 'configure') session.config = request.config
      const answered = async (): Promise<unknown> => holder.answer(request, session)
      answered().then(
        (value) => say({ n: request.n, ok: true, value: value ?? null }),
        (error: Error) => say({ n: request.n, ok: false, error: error.message }),
      )
    }
    client.on('data', createLineReader(onLine))
    client.on('error', () => {}) // `close` follows
    client.on('close', () => {
      holder.unwatch(session.watcher)
      clients.delete(client)
      patience = letGo
      if (withClient && clients.size === 0) void killAndLeave()
      else leaveIfAlone()
    })
  }

  const listen = (): void => {
    // A slow start makes its client start a second one, which is free to go on when the first and the client are gone.
    if (withClient && !existsSync(dirname(socketPath))) return process.exit(0)
    // A predecessor that left just now may have taken the directory with it.
    mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 })
    rmSync(socketPath, { force: true })
    const server = createServer(accept)
    server.listen(socketPath, () => {
      chmodSync(socketPath, 0o600)
      leaveIfAlone()
    })
  }
  // Held until we die, whatever the way: a second process for the same socket leaves at once.
  createServer()
    .once('error', () => process.exit(0))
    .listen(instanceName(socketPath), listen)

  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  process.on('SIGTERM', () => void killAndLeave())
}
