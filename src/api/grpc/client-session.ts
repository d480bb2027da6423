/**
 * A person's end of the secure port: one HTTP/2 session over mutual TLS, made when it is needed and again when it broke.
 * In the place of connect-node's own, which waits for minutes for a connection and says of a refusal only that it closed.
 */
import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { isIP } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { AppError } from '../../lib/app-error.ts'
import { dialError, refusedCertificate } from './client-errors.ts'

export interface GrpcServer {
  host: string
  port: number
}

/** PEM. */
export interface ClientCredentials {
  cert: string
  key: string
  ca: string
}

export interface ClientSession {
  authority: string
  request(method: string, path: string, headers: OutgoingHttpHeaders, options: object): Promise<ClientHttp2Stream>
  notifyResponseByteRead(): void
  /** The server was there once: what fails now is worth trying again. */
  hasBeenOpen(): boolean
  close(): void
}

const connectMs = 10_000
/** A session that does not answer a ping for so long is given up: its server, or the way to it, is gone. */
const pingMs = 15_000

export function createClientSession(server: GrpcServer, credentials: ClientCredentials): ClientSession {
  let live: ClientHttp2Session | undefined
  let opening: Promise<ClientHttp2Session> | undefined
  let beenOpen = false

  const open = async (): Promise<ClientHttp2Session> => {
    const socket = await dial(server, credentials, beenOpen)
    const session = connectHttp2(`https://${showServer(server)}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    })
    await greeted(session, server)
    pingWhileOpen(session)
    beenOpen = true
    return (live = session)
  }
  const ready = (): Promise<ClientHttp2Session> => {
    if (live !== undefined && !live.closed && !live.destroyed) return Promise.resolve(live)
    opening ??= open().finally(() => (opening = undefined))
    return opening
  }
  return {
    authority: `https://${showServer(server)}`,
    async request(method, path, headers, options) {
      const session = await ready()
      return session.request({ ...headers, ':method': method, ':path': path }, options)
    },
    notifyResponseByteRead() {},
    hasBeenOpen: () => beenOpen,
    close: () => live?.destroy(),
  }
}

export const showServer = ({ host, port }: GrpcServer): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

function dial(server: GrpcServer, credentials: ClientCredentials, again: boolean): Promise<TLSSocket> {
  const { host, port } = server
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(late)
      socket.destroy()
      reject(dialError(error, showServer(server), host, again))
    }
    const late = setTimeout(() => fail(new Error(`no answer within ${connectMs / 1000} s`)), connectMs)
    const socket = connectTls({
      ...credentials,
      host,
      port,
      ...(isIP(host) ? {} : { servername: host }),
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.3',
    })
    socket.once('error', fail)
    socket.once('secureConnect', () => {
      clearTimeout(late)
      socket.off('error', fail)
      // HTTP/2 listens from its first tick on.
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

/** In TLS 1.3 the client is done before the server has judged its certificate: only the first words say that it passed. */
function greeted(session: ClientHttp2Session, server: GrpcServer): Promise<void> {
  return new Promise((resolve, reject) => {
    let why: Error | undefined
    const late = setTimeout(() => session.destroy(new Error(`no answer within ${connectMs / 1000} s`)), connectMs)
    session.on('error', (error: Error) => (why ??= error)) // each of its streams is told
    session.once('remoteSettings', () => {
      clearTimeout(late)
      resolve()
    })
    session.once('close', () => {
      clearTimeout(late)
      reject(refusedCertificate(why, showServer(server)))
    })
  })
}

function pingWhileOpen(session: ClientHttp2Session): void {
  let unanswered = false
  const pinging = setInterval(() => {
    if (unanswered) session.destroy(new AppError('unavailable', 'the server does not answer any more'))
    else unanswered = session.ping(() => (unanswered = false))
  }, pingMs)
  pinging.unref()
  session.once('close', () => clearInterval(pinging))
}
