/** gRPC for runners on this machine: HTTP/2 on a unix socket that only the server's own user can open. */
import { unlink } from 'node:fs/promises'
import http2 from 'node:http2'
import { createCallServer, type CallServerOptions } from './call-server.ts'
import { endSessions, sessionSettings, sessionWindow, stopping } from './sessions.ts'
import { localPeer, setPeer } from './peer.ts'

export interface RunnerListener {
  /** Ends calls in progress after `ms`, the long polls and streams at once. */
  stop(ms: number): Promise<void>
}

export async function listenForRunners(socketPath: string, calls: CallServerOptions): Promise<RunnerListener> {
  const shutdown = new AbortController()
  const server = http2.createServer({ settings: sessionSettings })
  server.on('stream', createCallServer(calls, shutdown.signal))
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => {
    setPeer(session, localPeer)
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
      shutdown.abort(stopping())
      await endSessions(server, sessions, ms)
    },
  }
}
