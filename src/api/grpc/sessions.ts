/** What the HTTP/2 sessions of both listeners have in common. */
import type { Http2Server, Http2SecureServer, ServerHttp2Session } from 'node:http2'
import { Code, ConnectError } from '@connectrpc/connect'

/** Of all streams of a peer together: with HTTP/2's 64 KiB a MiB of log stops and goes sixteen times. */
export const sessionWindow = 8 * 1024 * 1024

export const sessionSettings = {
  /** Followers of logs hold one each. */
  maxConcurrentStreams: 1000,
  initialWindowSize: 1024 * 1024,
  enablePush: false,
}

export const stopping = (): ConnectError =>
  new ConnectError('the server stops: try again, it or another one will be there', Code.Unavailable)

/** GOAWAY at once; what is still in progress after `ms` is cut. */
export async function endSessions(
  server: Http2Server | Http2SecureServer,
  sessions: ReadonlySet<ServerHttp2Session>,
  ms: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const session of sessions) session.close()
  const late = setTimeout(() => sessions.forEach((session) => session.destroy()), ms)
  await closed
  clearTimeout(late)
}
