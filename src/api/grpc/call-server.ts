/** What both listeners do with a stream whose peer is known: the frequent calls straight, all others generic. */
import type { ConnectRouter } from '@connectrpc/connect'
import { toConnectError } from './call-errors.ts'
import { createGenericCalls, type GenericOptions, type GiveStream } from './generic-calls.ts'
import { peerOfSession } from './peer.ts'
import { changesSomething, refusalOf } from './service-access.ts'
import { createUnaryCalls, mostRunnerMessageBytes, type UnaryCall } from './unary-calls.ts'

export interface CallServerOptions {
  /** Registers every service with its own limits where they are larger. */
  routes(router: ConnectRouter): void
  frequent: readonly UnaryCall[]
  noteRefused: GenericOptions['noteRefused']
  requestMs?: number
}

export function createCallServer(options: CallServerOptions, shutdown: AbortSignal): GiveStream {
  const { frequent, noteRefused } = options
  const generic = createGenericCalls({ ...options, shutdown })
  const taken = createUnaryCalls(frequent, {
    mostBytes: mostRunnerMessageBytes,
    shutdown,
    toConnectError,
    refusal(stream, path) {
      const peer = peerOfSession(stream.session)
      const error = refusalOf(peer, path)
      if (error === undefined) return undefined
      if (changesSomething(path)) void noteRefused(peer, path, error)
      return toConnectError(error, path)
    },
  })
  return (stream, headers, flags, raw) => {
    if (stream.session === undefined) return // gone already
    if (!taken(stream, headers)) generic(stream, headers, flags, raw)
  }
}
