/**
 * Who may come in at the secure port. TLS has proved the key and the authority before; here the certificate is looked
 * up, once per session, also for one that TLS resumed. Streams that come meanwhile wait unread.
 */
import type { X509Certificate } from 'node:crypto'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { ConnectError } from '@connectrpc/connect'
import type { CertificateHolder } from '../../access/authenticate.ts'
import { AppError } from '../../lib/app-error.ts'
import { toConnectError } from './call-errors.ts'
import type { GiveStream } from './generic-calls.ts'
import { setPeer } from './peer.ts'
import { refuse } from './unary-calls.ts'

export interface AdmissionOptions {
  /** Throws `unauthenticated`, or `unavailable` while nobody can say. */
  holderOf(certificate: X509Certificate): Promise<CertificateHolder>
  onAdmitted(
    session: ServerHttp2Session,
    holder: CertificateHolder,
    certificate: X509Certificate,
    address: string,
  ): void
  onRefused(error: unknown, certificate: X509Certificate | undefined, address: string): void
}

export interface Admission {
  session(session: ServerHttp2Session): void
  stream: GiveStream
}

type Given = Parameters<GiveStream>
type State = { is: 'asking'; waiting: Given[] } | { is: 'refused'; error: ConnectError }

/** For the first call of somebody who is refused, so that they read why instead of a closed connection. */
const lastWordMs = 2_000

export function createAdmission(serve: GiveStream, options: AdmissionOptions): Admission {
  /** Those that were admitted are in here no more. */
  const states = new WeakMap<ServerHttp2Session, State>()

  const sendAway = (session: ServerHttp2Session, stream: ServerHttp2Stream, error: ConnectError): void => {
    refuse(stream, error)
    session.close()
  }

  const ask = async (session: ServerHttp2Session): Promise<void> => {
    const socket = session.socket as TLSSocket
    const address = socket.remoteAddress ?? ''
    const waiting: Given[] = []
    states.set(session, { is: 'asking', waiting })
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
    try {
      if (certificate === undefined) throw new AppError('unauthenticated', 'show a client certificate')
      const holder = await options.holderOf(certificate)
      if (session.destroyed) return
      const { principal, certificateId, name, role, notAfter } = holder
      setPeer(session, { principal, certificateId, name, role, notAfter, address })
      states.delete(session)
      options.onAdmitted(session, holder, certificate, address)
      for (const given of waiting) serve(...given)
    } catch (thrown) {
      const error = toConnectError(thrown, 'a new connection')
      states.set(session, { is: 'refused', error })
      options.onRefused(thrown, certificate, address)
      for (const [stream] of waiting) sendAway(session, stream, error)
      setTimeout(() => session.destroy(), lastWordMs).unref()
    }
  }

  return {
    session: (session) => void ask(session),
    stream(...given) {
      const [stream] = given
      const session = stream.session as ServerHttp2Session | undefined
      if (session === undefined) return // gone already
      const state = states.get(session)
      if (state === undefined) return serve(...given)
      stream.on('error', () => {}) // while nobody else listens
      if (state.is === 'asking') state.waiting.push(given)
      else sendAway(session, stream, state.error)
    },
  }
}
