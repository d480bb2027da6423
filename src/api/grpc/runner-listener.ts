/** gRPC for runners on this machine: HTTP/2 on a unix socket that only the server's own user can open. */
import { unlink } from 'node:fs/promises'
import http2 from 'node:http2'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import type { RunnerPort } from '../../operations/runner-port.ts'
import {
  frequentCalls,
  runnerService,
  runnerServiceInterceptors,
  runnerServiceRoutes,
  toConnectError,
} from './runner-service.ts'
import { createUnaryCalls } from './unary-calls.ts'

export interface RunnerListener {
  /** Ends calls in progress after `ms`, the long polls and streams at once. */
  stop(ms: number): Promise<void>
}

/** A claim's answer with full specs, or a batch of log chunks. */
const mostMessageBytes = 64 * 1024 * 1024

/** Of all streams of a runner together: with HTTP/2's 64 KiB a MiB of log stops and goes sixteen times. */
const sessionWindow = 8 * 1024 * 1024

export async function listenForRunners(socketPath: string, port: RunnerPort): Promise<RunnerListener> {
  const shutdown = new AbortController()
  const service = runnerService(port)
  const settings = { settings: { maxConcurrentStreams: 1000, initialWindowSize: 1024 * 1024 } }
  // Never listens: it gives its streams the request and response objects that the generic handler wants.
  const generic = http2.createServer(
    settings,
    connectNodeAdapter({
      routes: runnerServiceRoutes(service),
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
  const taken = createUnaryCalls(frequentCalls(service), {
    mostBytes: mostMessageBytes,
    shutdown: shutdown.signal,
    toConnectError,
  })
  const server = http2.createServer(settings)
  server.on('stream', (stream, headers, flags, raw) => {
    if (!taken(stream, headers)) generic.emit('stream', stream, headers, flags, raw)
  })
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.setLocalWindowSize(sessionWindow)
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
