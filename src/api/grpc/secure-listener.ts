/** gRPC for everybody else: HTTP/2 over TLS 1.3, and nobody without a certificate of ours. */
import { constants, type X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import http2, { type ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isAppError } from '../../lib/app-error.ts'
import { emitFact } from '../../lib/facts.ts'
import { createAdmission, type AdmissionOptions } from './admission.ts'
import { createCallServer, type CallServerOptions } from './call-server.ts'
import { watchSessions, type WatchOptions } from './session-watch.ts'
import { endSessions, sessionSettings, sessionWindow, stopping } from './sessions.ts'

export interface SecureCredentials {
  certificatePem: string
  privateKeyPem: string
  /** Every authority that is trusted; after a rotation the old one too, until it ends. */
  authorityPems: readonly string[]
}

export interface TurnedAway {
  why: string
  address: string
  /** Missing when TLS refused: then what the certificate says is nobody's word. */
  certificate?: X509Certificate
}

export interface SecureListenerOptions {
  host: string
  port: number
  credentials: SecureCredentials
  calls: CallServerOptions
  holderOf: AdmissionOptions['holderOf']
  stillHold: WatchOptions['stillHold']
  /** Called for each connection that is refused or cut; whoever notes them must bear a flood. */
  onTurnedAway(refused: TurnedAway): void
  lookMs?: number
  pingMs?: number
}

export interface SecureListener {
  address: { host: string; port: number }
  /** For connections from now on; open sessions stay. */
  reload(credentials: SecureCredentials): void
  /** Access has changed somewhere: look at the open sessions now. */
  recheck(): void
  stop(ms: number): Promise<void>
}

const secureContext = ({ certificatePem, privateKeyPem, authorityPems }: SecureCredentials) => ({
  cert: certificatePem,
  key: privateKeyPem,
  ca: [...authorityPems],
  minVersion: 'TLSv1.3' as const,
  maxVersion: 'TLSv1.3' as const,
  // Without tickets nothing is resumed, so a certificate is verified at every connection.
  secureOptions: constants.SSL_OP_NO_TICKET,
})

/** What one connection may do that no client of ours does; beyond, it is closed (threats G6). */
const limits = {
  settings: { ...sessionSettings, maxHeaderListSize: 16 * 1024 },
  maxHeaderListPairs: 64,
  maxSettings: 32,
  maxOutstandingPings: 10,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  // Rapid reset: a client that gives up calls does not do it a hundred times in a second for long.
  streamResetBurst: 1000,
  streamResetRate: 100,
  unknownProtocolTimeout: 1_000,
  handshakeTimeout: 10_000,
}

export async function listenSecurely(options: SecureListenerOptions): Promise<SecureListener> {
  const { onTurnedAway } = options
  const shutdown = new AbortController()
  const server = http2.createSecureServer({
    ...limits,
    ...secureContext(options.credentials),
    requestCert: true,
    rejectUnauthorized: true,
    allowHTTP1: false,
  })
  const watch = watchSessions({
    ...options,
    onCut: ({ holder, certificate, address }, why) => {
      emitFact({ name: 'grpc.session_cut', peer: holder.name, address, why })
      // The end of a token that was used is nothing to note.
      if (holder.role !== 'enrol') onTurnedAway({ why, address, certificate })
    },
  })
  const admission = createAdmission(createCallServer(options.calls, shutdown.signal), {
    holderOf: options.holderOf,
    onAdmitted: (session, holder, certificate, address) => watch.add(session, { holder, certificate, address }),
    onRefused(error, certificate, address) {
      // An outage or a defect is nobody's attempt.
      if (!isAppError(error) || error.code !== 'unauthenticated') return
      const why = typeof error.cause === 'string' ? error.cause : error.message // the client reads only the message
      onTurnedAway({ why, certificate, address })
    },
  })

  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    // Asked while it is open; the socket remembers it for the line about a failed handshake.
    void socket.remoteAddress
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('session', (session) => {
    sessions.add(session)
    emitFact({ name: 'grpc.session_opened', level: 'debug' })
    session.setLocalWindowSize(sessionWindow)
    session.on('close', () => {
      sessions.delete(session)
      emitFact({ name: 'grpc.session_closed', level: 'debug' })
    })
    session.on('error', () => session.destroy())
    admission.session(session)
  })
  server.on('stream', admission.stream)
  server.on('unknownProtocol', (socket: TLSSocket) => socket.destroy())
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const why = handshakeFailure(error, socket)
    if (why !== undefined) onTurnedAway({ why, address: addressOf(socket) })
  })
  server.on('sessionError', (error: Error) => {
    emitFact({ name: 'grpc.session_failed', level: 'debug', error: error.message })
  })

  server.listen(options.port, options.host)
  await once(server, 'listening').catch(async (error: unknown) => {
    await watch.stop()
    throw error
  })
  server.on('error', (error) => emitFact({ name: 'grpc.listener_failed', level: 'error', error: String(error) }))
  const { address: host, port } = server.address() as AddressInfo

  return {
    address: { host, port },
    reload: (credentials) => server.setSecureContext(secureContext(credentials)),
    recheck: () => watch.look(),
    async stop(ms) {
      shutdown.abort(stopping())
      const late = setTimeout(() => sockets.forEach((socket) => socket.destroy()), ms)
      await endSessions(server, sessions, ms)
      clearTimeout(late)
      await watch.stop()
    },
  }
}

/** Only what was shown and did not do: a port scan or an old TLS shows nothing. */
function handshakeFailure(error: NodeJS.ErrnoException, socket: TLSSocket): string | undefined {
  // Node 24 gives the word of OpenSSL, e.g. CERT_HAS_EXPIRED.
  const verdict = socket.authorizationError as unknown as string | null
  if (verdict !== null && verdict !== undefined) return `TLS: ${verdict}`
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'TLS: no client certificate'
  return undefined
}

/** A refused TLS socket has lost its handle; the plain one below has kept the address. */
const addressOf = (socket: TLSSocket): string =>
  socket.remoteAddress ?? (socket as unknown as { _parent?: Socket })._parent?.remoteAddress ?? ''
