/**
 * The server's side of `clients.sock`. Every `runyard` command on this machine keeps one connection open while it needs
 * the server; in an ephemeral server the last one to close, by `leave` or by kill -9, ends it.
 */
import { rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { onMessages, say, type ClientSays, type HostSays } from './messages.ts'

export const clientsSocket = (runDir: string): string => join(runDir, 'clients.sock')

export interface HostOptions {
  runDir: string
  version: string
  ephemeral: boolean
  /** An ephemeral server without any client for so long after its start has been forgotten. */
  firstClientMs?: number
  onRunnerWanted(): void
  /** The `run` of this job died. */
  onAbandoned(jobId: string): void
  onLastClientGone(): void
  onStopAsked(): void
}

export interface InstanceHost {
  progress(text: string): void
  ready(url: string): void
  failed(message: string): void
  isEphemeral(): boolean
  /** No new clients; those that are connected stay until the process ends, so that they see when. */
  closeDoor(): Promise<void>
  close(): Promise<void>
}

export async function hostInstance(options: HostOptions): Promise<InstanceHost> {
  let { ephemeral } = options
  let latest: HostSays | undefined
  /** The server runs, its runner does not: told to who needs one, the others have what they came for. */
  let noRunner: HostSays | undefined
  let leaving = false
  const clients = new Set<Socket>()
  /** Clients that still need the server. */
  const joined = new Set<Socket>()

  const gone = (socket: Socket): void => {
    if (!joined.delete(socket) || joined.size > 0 || !ephemeral || leaving) return
    leaving = true
    void closeDoor().then(options.onLastClientGone)
  }

  const server = createServer((socket) => {
    if (leaving) return void socket.destroy()
    clients.add(socket)
    let jobId: string | undefined
    onMessages<ClientSays>(socket, (message) => {
      if (message.type === 'join') {
        joined.add(socket)
        const told = message.runner ? (noRunner ?? latest) : latest
        if (told !== undefined) say(socket, told)
        if (message.runner) options.onRunnerWanted()
      } else if (message.type === 'job') jobId = message.id
      else if (message.type === 'keep') {
        ephemeral = false
        say(socket, { type: 'kept' })
      } else if (message.type === 'stop') options.onStopAsked()
      else {
        jobId = undefined
        say(socket, { type: 'bye', last: ephemeral && joined.has(socket) && joined.size === 1 })
        gone(socket)
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clients.delete(socket)
      // When it is we who close, the job goes on: it outlives a restart of the server.
      if (jobId !== undefined && !leaving) options.onAbandoned(jobId)
      gone(socket)
    })
  })

  const closeDoor = async (): Promise<void> => {
    leaving = true
    clearTimeout(forgotten)
    server.close()
  }

  // Whoever holds the lock of the data directory owns the path; what lies there is a predecessor's.
  const path = clientsSocket(options.runDir)
  await rm(path, { force: true })
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  } finally {
    process.umask(mask)
  }
  const forgotten = setTimeout(() => {
    if (!ephemeral || leaving || joined.size > 0) return
    leaving = true
    void closeDoor().then(options.onLastClientGone)
  }, options.firstClientMs ?? 30_000)

  const tell = (message: HostSays): void => {
    latest = message
    for (const socket of joined) say(socket, message)
  }
  return {
    progress: (text) => tell({ type: 'progress', text }),
    ready: (url) => tell({ type: 'ready', url, version: options.version, pid: process.pid }),
    failed(text) {
      const message: HostSays = { type: 'failed', message: text }
      if (latest?.type !== 'ready') return tell(message)
      noRunner = message
      for (const socket of joined) say(socket, message)
    },
    isEphemeral: () => ephemeral,
    closeDoor,
    async close() {
      await closeDoor()
      for (const socket of clients) socket.destroy()
    },
  }
}
