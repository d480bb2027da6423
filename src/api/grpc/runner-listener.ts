/** gRPC for runners on this machine: HTTP/2 on a unix socket that only the server's own user can open. */
import { unlink } from 'node:fs/promises'
import http2 from 'node:http2'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import type { RunnerPort } from '../../operations/runner-port.ts'
import { runnerServiceInterceptors, runnerServiceRoutes } from './runner-service.ts'

export interface RunnerListener {
  /** Ends calls in progress after `ms`, the long polls and streams at once. */
  stop(ms: number): Promise<void>
}

/** A claim's answer with full specs, or a batch of log chunks. */
const mostMessageBytes = 64 * 1024 * 1024

export async function listenForRunners(socketPath: string, port: RunnerPort): Promise<RunnerListener> {
  const shutdown = new AbortController()
  const server = http2.createServer(
    { settings: { maxConcurrentStreams: 1000, initialWindowSize: 1024 * 1024 } },
    connectNodeAdapter({
      routes: runnerServiceRoutes(port),
      interceptors: runnerServiceInterceptors,
      // gzip of log bytes costs more than the socket: 43 against 136 MB/s.
      compressMinBytes: Number.MAX_SAFE_INTEGER,
      readMaxBytes: mostMessageBytes,
      writeMaxBytes: mostMessageBytes,
      shutdownSignal: shutdown.signal,
      grpcWeb: false,
      connect: false,
    }),
  )
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => session.destroy())
  })
  await unlink(socketPath).catch(() => {})
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // Node binds inside this call; so the socket is never open to others, not even for a moment.
    const before = process.umask(0o177)
    server.listen(socketPath, () => {
      server.off('error', reject)
      resolve()
    })
    process.umask(before)
  })

  return {
    async stop(ms) {
      shutdown.abort()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const session of sessions) session.close()
      const late = setTimeout(() => sessions.forEach((session) => session.destroy()), ms)
      await closed
      clearTimeout(late)
    },
  }
}
