/** Who is at the other end of a connection: found out once per session, asked by every call. */
import type { Http2Session } from 'node:http2'
import {
  Code,
  ConnectError,
  createContextKey,
  createContextValues,
  type ContextKey,
  type ContextValues,
} from '@connectrpc/connect'
import type { CertificateRole, Principal } from '../../access/authenticate.ts'
import { AppError } from '../../lib/app-error.ts'
import type { Ask } from '../../operations/deps.ts'

export interface Peer {
  principal: Principal
  /** Null: it came through the socket of this machine. */
  certificateId: string | null
  /** Of the account, the runner or the server. */
  name: string
  role: CertificateRole | 'local'
  notAfter: Date | null
  /** Of the client, as the server sees it; empty for the socket of this machine. */
  address: string
}

/** What came through the socket that only the server's own user can open. */
export const localPeer: Peer = {
  principal: { kind: 'runner', userId: null, username: 'local', role: null },
  certificateId: null,
  name: 'local',
  role: 'local',
  notAfter: null,
  address: '',
}

const nobody = 'nobody is known at the other end of this connection'

/** Without a value there is a hole in a listener: a peer that nothing may be done for. */
export const peerKey: ContextKey<Peer | undefined> = createContextKey<Peer | undefined>(undefined, {
  description: 'who is at the other end',
})

export function peerOf(context: { values: ContextValues }): Peer {
  const peer = context.values.get(peerKey)
  if (peer === undefined) throw new AppError('unauthenticated', nobody)
  return peer
}

interface Entry {
  peer: Peer
  values: ContextValues
  over: AbortController
}

const known = new WeakMap<Http2Session, Entry>()

export function setPeer(session: Http2Session, peer: Peer): void {
  known.set(session, { peer, values: createContextValues().set(peerKey, peer), over: new AbortController() })
}

/** Calls in progress end with the reason; nothing new begins. */
export function endPeer(session: Http2Session, why: string): void {
  known.get(session)?.over.abort(new ConnectError(why, Code.Unauthenticated))
  known.delete(session)
}

/** Fires when the peer is let in no more. */
export const peerOver = (session: Http2Session | undefined): AbortSignal => entryOf(session).over.signal

/** Throws when nobody was let in there. */
export function peerOfSession(session: Http2Session | undefined): Peer {
  return entryOf(session).peer
}

/** One for all calls of a session, so nobody writes into them. */
export const contextValuesOfSession = (session: Http2Session | undefined): ContextValues => entryOf(session).values

function entryOf(session: Http2Session | undefined): Entry {
  const entry = session && known.get(session)
  if (entry === undefined) throw new AppError('unauthenticated', nobody)
  return entry
}

export const askOfPeer = ({ principal, address }: Peer): Ask => ({
  principal,
  ...(address === '' ? {} : { address }),
})
