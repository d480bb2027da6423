/** The first word to a server. */
import { AppError, isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { linkBackoff, untilAnswered } from './backoff.ts'
import { isUntrustedServer } from './sessions.ts'
import type { ControlPlane, Registered, RunnerDescription } from './control-plane.ts'
import type { Link } from './link.ts'
import type { ServerAddress } from './server-address.ts'

export interface FindServerOptions {
  server: ControlPlane
  address: ServerAddress
  description: RunnerDescription
  link: Link
  /** Jobs of an earlier process hang on us: no giving up. */
  mustWait: boolean
  firstContactMs?: number
  /** Told to stop. */
  signal: AbortSignal
}

function untrusted(cause: unknown): AppError {
  const words = `--ca: the server shows a certificate of another authority, or for another name: ${(cause as Error).message}`
  return new AppError('unauthenticated', words, { cause })
}

/** A socket that is not there says ENOENT, which tells nobody what to do. */
function inWords(error: unknown, address: ServerAddress): unknown {
  if (!('socketPath' in address) || address.beside || !/ENOENT|ECONNREFUSED/.test(String(error))) return error
  const words = `no server of this machine at ${address.socketPath}; to join another machine’s: runyard runner enrol TOKEN`
  return new AppError('unavailable', words, { cause: error })
}

/** Null when told to stop meanwhile. */
export async function findServer(options: FindServerOptions): Promise<Registered | null> {
  const { server, address, description, link, mustWait, firstContactMs = 30_000 } = options
  const giveUp = AbortSignal.timeout(firstContactMs)
  const signal = mustWait ? options.signal : AbortSignal.any([options.signal, giveUp])
  let last: unknown
  try {
    const registered = await untilAnswered(
      () => server.register(description),
      signal,
      linkBackoff,
      (error) => {
        link.lost((last = inWords(error, address)))
        // Nothing that waiting would help, but jobs of an earlier process must not die of somebody else's server.
        if (!mustWait && isUntrustedServer(error)) throw error
      },
    )
    link.back()
    emitFact({ name: 'runner.registered', runner: description.name, slots: description.slots })
    return registered
  } catch (error) {
    if (options.signal.aborted) return null
    if (mustWait || !giveUp.aborted) throw isUntrustedServer(error) ? untrusted(error) : error
    const reason = isAppError(last) ? last.message : String(last ?? 'no answer')
    throw new AppError('unavailable', `no server found within ${firstContactMs / 1000} s: ${reason}`)
  }
}
