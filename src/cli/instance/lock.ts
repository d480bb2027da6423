/**
 * One server and one runner per data directory. The lock is a listening abstract unix socket: the kernel drops it with
 * its process, however that ends, so it is never stale. Its name is a random id kept inside the data directory, which
 * only its owner can read. Whoever stays connected notices the holder's end.
 */
import { randomBytes } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../lib/app-error.ts'

export type Role = 'server' | 'runner'

export interface Lock {
  release(): Promise<void>
}

const idPattern = /^[0-9a-f]{32}$/

export async function readInstanceId(dataDir: string): Promise<string | undefined> {
  const text = await readFile(join(dataDir, 'instance-id'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return ''
    if (error.code === 'EACCES') throw new AppError('permission_denied', `${dataDir} belongs to another user`)
    throw error
  })
  return idPattern.test(text.trim()) ? text.trim() : undefined
}

/** Makes the id once, whole or not at all, whoever comes first. */
export async function ensureInstanceId(dataDir: string): Promise<string> {
  const found = await readInstanceId(dataDir)
  if (found !== undefined) return found
  const file = join(dataDir, 'instance-id')
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, randomBytes(16).toString('hex'), { mode: 0o600 })
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(draft)
  return (await readInstanceId(dataDir)) ?? Promise.reject(new AppError('internal', `${file} is not an instance id`))
}

const nameOf = (id: string, role: Role): string => `\0runyard-${id}-${role}`

/** A process that was killed closes its sockets one by one: the name may be taken a moment longer than its connections live. */
const dyingMs = 50
const dyingTries = 10

/** Undefined: another process holds it. */
export async function takeLock(id: string, role: Role): Promise<Lock | undefined> {
  for (let tries = 0; ; tries++) {
    const lock = await listenOn(nameOf(id, role))
    if (lock !== undefined || tries === dyingTries) return lock
    const holder = await watchLock(id, role)
    const stays = holder !== undefined && !(await Promise.race([holder.gone.then(() => true), sleep(dyingMs, false)]))
    holder?.letGo()
    if (stays) return undefined
    await sleep(10)
  }
}

async function listenOn(name: string): Promise<Lock | undefined> {
  const watchers = new Set<Socket>()
  const server = createServer((socket) => {
    watchers.add(socket)
    // Nothing is ever read: all that a watcher gets is the end of the connection.
    socket.pause()
    socket.on('error', () => {})
    socket.on('close', () => watchers.delete(socket))
    socket.unref()
  })
  server.maxConnections = 256
  const taken = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    )
    server.listen(name, () => resolve(true))
  })
  if (!taken) return undefined
  server.unref()
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of watchers) socket.destroy()
      }),
  }
}

export interface Holder {
  /** Resolves when the holder has gone. */
  gone: Promise<void>
  letGo(): void
}

/** Undefined: nobody holds it. */
export async function watchLock(id: string, role: Role): Promise<Holder | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(nameOf(id, role))
    const gone = new Promise<void>((end) => socket.once('close', () => end()))
    socket.once('connect', () => resolve({ gone, letGo: () => socket.destroy() }))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT' || error.code === 'ECONNRESET') resolve(undefined)
      else reject(error)
    })
    // A closed end is only seen by a socket that reads.
    socket.resume()
  })
}

export async function isHeld(id: string, role: Role): Promise<boolean> {
  const holder = await watchLock(id, role)
  holder?.letGo()
  return holder !== undefined
}
