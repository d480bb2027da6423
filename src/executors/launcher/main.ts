/**
 * The launcher process: one per runner, outlives it, and is the supervisor of its attempts. It starts them, records
 * their output, holds their limits and their time, and kills those whose deadline nobody extends. Jobs live and die with
 * it. Without attempts and without clients it ends.   `node main.ts SOCKET [--with-client]`
 *
 * `--with-client`: it belongs to one program and dies with that, attempts and directory included. The kernel closes the
 * connection of a program that was killed, so this needs no deadline.
 */
import { chmodSync, closeSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Supervisor } from '../supervisor/supervisor.ts'
import type { Watcher } from '../supervisor/teller.ts'
import type { ExecutorConfig } from '../supervisor/check.ts'
import { StartRefused } from '../executor.ts'
import { groundToWire } from '../sandbox/ground.ts'
import { chainStarter } from './chain-starter.ts'
import { claimDelegatedCgroup } from './delegated-cgroup.ts'
import { codeCacheName, instanceName, logName, withClientFlag } from './instance.ts'
import { perlStarter } from './perl-starter.ts'
import { createLineReader, createLineWriter, type Begun, type Request } from './protocol.ts'

const lonelyMs = 5000
/** The paths of a job that is being started may lie on a file system that hangs. */
const startsMs = 2000

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
function clearAway(socketPath: string): void {
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

function main(socketPath: string, withClient: boolean): void {
  closeInherited()
  const delegatedCgroup = claimDelegatedCgroup()
  const clients = new Set<Socket>()
  let lonely: NodeJS.Timeout | undefined
  let patience = lonelyMs

  const isAlone = (): boolean => clients.size === 0 && supervisor.running === 0
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
    await supervisor.close()
    clearAway(socketPath)
    if (withClient) rmSync(dirname(socketPath), { recursive: true, force: true })
    process.exit(0)
  }
  const starts = new Set<Promise<unknown>>()
  const killAndLeave = async (): Promise<void> => {
    await supervisor.killAll()
    // One that was being started just now is there only after its answer.
    await Promise.race([Promise.all(starts), sleep(startsMs)])
    await supervisor.killAll()
    await leave()
  }
  const runDir = dirname(socketPath)
  const supervisor = new Supervisor({
    runDir,
    delegatedCgroup,
    makeStarter: async (events) => (await perlStarter(events)) ?? chainStarter(runDir, events),
    onIdle: leaveIfAlone,
  })

  /** Of one client. */
  interface Session {
    config: ExecutorConfig | null
    watcher: Watcher
  }
  const configOf = ({ config }: Session): ExecutorConfig => {
    if (config === null) throw new Error('configure comes before any call about attempts')
    return config
  }
  const startOf = ({ order, at }: Extract<Request, { op: 'start' }>, session: Session): Promise<Begun> => {
    const { watcher } = session
    return supervisor.start({ order, keepUntil: at + order.keepForMs, config: configOf(session), watcher })
  }
  const noted = (start: Promise<unknown>): Promise<unknown> => {
    starts.add(start)
    return start.finally(() => starts.delete(start))
  }
  const answer = async (request: Request, session: Session): Promise<unknown> => {
    switch (request.op) {
      case 'hello':
        return { pid: process.pid, starter: await supervisor.starterPid(), warm: supervisor.warm }
      case 'ground':
        return groundToWire(await supervisor.ground())
      case 'configure':
        session.config = request.config
        return supervisor.configure(request.config)
      case 'start':
        return noted(startOf(request, session).catch(asRefusal))
      case 'stop':
        return supervisor.stop(request.key, request.reason, request.graceMs)
      case 'usage':
        return supervisor.usage(request.key)
      case 'release':
        return supervisor.release(request.key)
      case 'extend':
        return supervisor.extend(request.keys, request.keepForMs === 0 ? 0 : request.at + request.keepForMs)
      case 'attempts':
        return supervisor.attempts(session.watcher)
      case 'sweep':
        return supervisor.sweep(configOf(session).attemptsDir)
      case 'cool':
        return supervisor.cool()
      case 'goodbye':
        return null
    }
  }

  const serve = (client: Socket): void => {
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
      answer(request, session).then(
        (value) => say({ n: request.n, ok: true, value: value ?? null }),
        (error: Error) => say({ n: request.n, ok: false, error: error.message }),
      )
    }
    client.on('data', createLineReader(onLine))
    client.on('error', () => {}) // `close` follows
    client.on('close', () => {
      supervisor.unwatch(session.watcher)
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
    const server = createServer(serve)
    server.listen(socketPath, () => {
      chmodSync(socketPath, 0o600)
      leaveIfAlone()
    })
  }
  // Held until we die, whatever the way: a second launcher for the same socket leaves at once.
  createServer()
    .once('error', () => process.exit(0))
    .listen(instanceName(socketPath), listen)

  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  process.on('SIGTERM', () => void killAndLeave())
}

const asRefusal = (error: Error): unknown => ({
  refused: {
    errorClass: error instanceof StartRefused ? error.errorClass : 'infrastructure',
    message: error.message,
    ...(error instanceof StartRefused && error.share !== undefined ? { share: error.share } : {}),
  },
})

const [socketPath, whose] = process.argv.slice(2)
if (!socketPath) {
  process.stderr.write('usage: main.ts SOCKET [--with-client]\n')
  process.exit(2)
}
main(socketPath, whose === withClientFlag)
