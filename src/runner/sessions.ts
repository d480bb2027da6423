/**
 * One HTTP/2 session at a time to any of the servers, opened when it is needed. In the place of connect-node's own
 * manager, which knows one address, waits for minutes for a connection, and cannot ping an idle link safely.
 */
import {
  connect as connectHttp2,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { readFile } from 'node:fs/promises'
import { connect as connectSocket, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AppError } from '../lib/app-error.ts'
import { createResolver, type Target } from './resolve-endpoints.ts'
import { showEndpoint, type CredentialFiles, type ServerAddress } from './server-address.ts'
import { watchSilence } from './silence.ts'

export interface Sessions {
  /** Of all of them, for the generic client, which asks for one. */
  authority: string
  request(method: string, path: string, headers: OutgoingHttpHeaders, options: object): Promise<ClientHttp2Stream>
  notifyResponseByteRead(): void
  /** Calls from now on use a new session (with new credentials); those in progress get a moment to end. */
  retire(): void
  /** Ends everything at once; a later call opens a new session. */
  abort(): void
}

export interface SessionOptions {
  /** From the dial to the end of the handshake. */
  connectMs?: number
  /** A session from which nothing came for so long, though it was pinged, is given up. */
  silenceMs?: number
}

const retiredMs = 15_000

export function createSessions(
  address: ServerAddress,
  { connectMs = 4_000, silenceMs }: SessionOptions = {},
): Sessions {
  const dial = 'socketPath' in address ? dialSocket(address.socketPath, connectMs) : dialServers(address, connectMs)
  let live: ClientHttp2Session | undefined
  let opening: Promise<ClientHttp2Session> | undefined
  let ended = 0

  const open = async (): Promise<ClientHttp2Session> => {
    const before = ended
    const { socket, url } = await dial()
    const session = connectHttp2(url, { createConnection: () => socket, settings: { enablePush: false } })
    session.on('error', () => {}) // each of its streams is told
    if (before !== ended) {
      session.destroy()
      throw new AppError('unavailable', 'the link was closed')
    }
    watchSilence(session, socket, silenceMs)
    return (live = session)
  }
  const ready = async (): Promise<ClientHttp2Session> => {
    if (live !== undefined && !live.closed && !live.destroyed) return live
    opening ??= open().finally(() => (opening = undefined))
    return opening
  }

  return {
    authority: anyServer,
    async request(method, path, headers, options) {
      for (;;) {
        const session = await ready()
        try {
          return session.request({ ...headers, ':method': method, ':path': path }, options)
        } catch (error) {
          // It ended in between.
          if (!session.closed && !session.destroyed) throw error
        }
      }
    },
    notifyResponseByteRead() {},
    retire() {
      const old = live
      live = undefined
      old?.close()
      setTimeout(() => old?.destroy(), retiredMs).unref()
    },
    abort() {
      ended += 1
      live?.destroy(undefined, constants.NGHTTP2_CANCEL)
      live = undefined
    },
  }
}

/** Only a name for the generic client: where a session leads, `dial` decides. */
export const anyServer = 'http://runyard.local'

type Dial = () => Promise<{ socket: Socket; url: string }>

const dialSocket =
  (socketPath: string, connectMs: number): Dial =>
  async () => ({ socket: await opened(connectSocket(socketPath), 'connect', connectMs), url: anyServer })

function dialServers(address: Exclude<ServerAddress, { socketPath: string }>, connectMs: number): Dial {
  const resolver = createResolver(address.servers)
  return async () => {
    const credentials = 'pem' in address ? address.pem : await readCredentials(address.files)
    let last: unknown
    for (const target of await resolver.targets()) {
      try {
        const socket = await opened(handshake(target, credentials), 'secureConnect', connectMs)
        return { socket, url: `https://${showEndpoint(target)}` }
      } catch (error) {
        resolver.failed(target)
        last = new AppError('unavailable', `${showEndpoint(target)}: ${(error as Error).message}`, { cause: error })
      }
    }
    throw last
  }
}

type Credentials = Record<keyof CredentialFiles, string | Buffer>

async function readCredentials(files: CredentialFiles): Promise<Credentials> {
  const read = (what: keyof CredentialFiles) =>
    readFile(files[what]).catch((cause: NodeJS.ErrnoException) => {
      throw new AppError('unavailable', `--${what}: cannot read ${files[what]} (${cause.code})`, { cause })
    })
  const [cert, key, ca] = await Promise.all([read('cert'), read('key'), read('ca')])
  return { cert, key, ca }
}

const handshake = ({ host, ip, port }: Target, credentials: Credentials): Socket =>
  connectTls({
    ...credentials,
    host: ip,
    port,
    // Also what the certificate is checked for; an address is checked by itself.
    ...(isIP(host) ? {} : { servername: host }),
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.3',
  })

function opened(socket: Socket, event: 'connect' | 'secureConnect', ms: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(late)
      socket.destroy()
      reject(error)
    }
    const late = setTimeout(() => fail(new Error(`no connection within ${ms / 1000} s`)), ms)
    socket.on('error', fail)
    socket.once(event, () => {
      clearTimeout(late)
      // HTTP/2 listens from here; until its first tick an error must still find a listener.
      resolve(socket)
    })
  })
}

/** The server's certificate is not for where we are, or not from an authority of ours. */
export function isUntrustedServer(error: unknown): boolean {
  const { code } = ((error as { cause?: unknown }).cause ?? {}) as { code?: unknown }
  return typeof code === 'string' && untrustedCodes.test(code)
}

const untrustedCodes =
  /^(?:ERR_TLS_CERT_ALTNAME_INVALID|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_CA|HOSTNAME_)/
