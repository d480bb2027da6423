/**
 * The launcher process: small, one thread, outlives its runner. It starts processes, remembers how they ended, and is
 * the keeper that kills an attempt whose deadline nobody extends. Without attempts and without clients it ends.
 * `node main.ts SOCKET`
 */
import { chmodSync, closeSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { createAttempts } from './attempts.ts'
import { claimDelegatedCgroup } from './delegated-cgroup.ts'
import { codeCacheName, instanceName, logName } from './instance.ts'
import { createLineReader, type Reply, type Request } from './protocol.ts'

const lonelyMs = 5000
const keepEveryMs = 250

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

function main(socketPath: string): void {
  closeInherited()
  const delegatedCgroup = claimDelegatedCgroup()
  const clients = new Set<Socket>()
  let lonely: NodeJS.Timeout | undefined
  let patience = lonelyMs

  const leaveIfAlone = (): void => {
    clearTimeout(lonely)
    if (clients.size > 0 || attempts.running().length > 0) return
    lonely = setTimeout(() => {
      if (clients.size === 0 && attempts.running().length === 0) leave()
    }, patience)
  }
  const leave = (): void => {
    clearAway(socketPath)
    process.exit(0)
  }
  const attempts = createAttempts(dirname(socketPath), leaveIfAlone)
  setInterval(() => attempts.keep(), keepEveryMs)

  const answer = async (request: Request): Promise<unknown> => {
    switch (request.op) {
      case 'hello':
        return { pid: process.pid, delegatedCgroup }
      case 'start':
        return attempts.start(request.order, request.at)
      case 'exited':
        return attempts.exited(request.id)
      case 'extend':
        attempts.extend(request.ids, request.keepForMs, request.at)
        return attempts.keep()
      case 'forget':
        return attempts.forget(request.id)
      case 'running':
        return attempts.running()
      case 'goodbye':
        return null
    }
  }

  const serve = (client: Socket): void => {
    clients.add(client)
    clearTimeout(lonely)
    const reply = (document: Reply): void => {
      if (client.writable) client.write(`${JSON.stringify(document)}\n`)
    }
    let letGo = lonelyMs
    const onLine = (line: string): void => {
      const request = JSON.parse(line) as Request
      // One that vanishes without this is perhaps being restarted.
      if (request.op === 'goodbye') letGo = 0
      answer(request).then(
        (value) => reply({ n: request.n, ok: true, value: value ?? null }),
        (error: Error) => reply({ n: request.n, ok: false, error: error.message }),
      )
    }
    client.on('data', createLineReader(onLine))
    client.on('error', () => {}) // `close` follows
    client.on('close', () => {
      clients.delete(client)
      patience = letGo
      leaveIfAlone()
    })
  }

  const listen = (): void => {
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
  process.on('SIGTERM', () => void attempts.killAll().then(leave))
}

const [socketPath] = process.argv.slice(2)
if (!socketPath) {
  process.stderr.write('usage: main.ts SOCKET\n')
  process.exit(2)
}
main(socketPath)
