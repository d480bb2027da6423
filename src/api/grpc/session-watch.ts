/**
 * A certificate is looked at when its session begins; a session may last for days. So every open one is asked about
 * again, when access has changed anywhere and every two seconds, all in one query, and its end is kept by the clock. A
 * look that nobody can answer (the database is away) ends nothing. Peers that are gone without a word (half-open) are
 * found by pings.
 */
import type { X509Certificate } from 'node:crypto'
import type { ServerHttp2Session } from 'node:http2'
import type { CertificateHolder } from '../../access/authenticate.ts'
import { isAppError } from '../../lib/app-error.ts'
import { emitFact } from '../../lib/facts.ts'
import { startService } from '../../lib/service.ts'
import { endPeer } from './peer.ts'

export interface WatchOptions {
  /** Those of these certificates that hold, by fingerprint in hex. */
  stillHold(fingerprints: readonly Buffer[]): Promise<ReadonlyMap<string, CertificateHolder>>
  /** Told of every session whose certificate holds no longer. */
  onCut(who: Watched, why: string): void
  /** Two seconds: with the notice lost and a slow answer, a revoked certificate is out within five. */
  lookMs?: number
  pingMs?: number
}

export interface Watched {
  certificate: X509Certificate
  holder: CertificateHolder
  address: string
}

export interface SessionWatch {
  add(session: ServerHttp2Session, who: Watched): void
  /** Access has changed: look now. */
  look(): void
  stop(): Promise<void>
}

/** For the ends of streams, and for the answer to an enrolment, whose certificate is used up before it is sent. */
const lastAnswersMs = 300

interface Entry extends Watched {
  fingerprint: Buffer
  unanswered: boolean
}

export function watchSessions(options: WatchOptions): SessionWatch {
  const { lookMs = 2_000, pingMs = 20_000 } = options
  const open = new Map<ServerHttp2Session, Entry>()

  const cut = (session: ServerHttp2Session, who: Watched, why: string): void => {
    if (!open.delete(session)) return
    endPeer(session, why)
    session.close()
    setTimeout(() => session.destroy(), lastAnswersMs)
    options.onCut(who, why)
  }

  const looking = startService(
    {
      name: 'sessions',
      every: lookMs,
      async runOnce() {
        const asked = [...open]
        for (const [session, who] of asked) {
          if (who.holder.notAfter.getTime() <= Date.now()) cut(session, who, 'the certificate has ended')
        }
        const fingerprints = new Map(asked.map(([, { fingerprint }]) => [fingerprint.toString('hex'), fingerprint]))
        if (fingerprints.size === 0) return
        const held = await options.stillHold([...fingerprints.values()])
        for (const [session, who] of asked) {
          if (!held.has(who.fingerprint.toString('hex'))) cut(session, who, 'the certificate holds no longer')
        }
      },
    },
    (_name, error) => {
      if (isAppError(error) && error.code === 'unavailable') return
      emitFact({ name: 'grpc.look_failed', level: 'error', error: String(error) })
    },
  )

  const pinging = setInterval(() => {
    for (const [session, entry] of open) {
      // The whole pause without an answer, while TCP had all that time to repeat itself.
      if (entry.unanswered) {
        emitFact({ name: 'grpc.session_dead', peer: entry.holder.name, address: entry.address })
        session.destroy()
      } else if (!session.destroyed) entry.unanswered = session.ping(() => (entry.unanswered = false))
    }
  }, pingMs)
  pinging.unref()

  return {
    add(session, who) {
      const fingerprint = Buffer.from(who.certificate.fingerprint256.replaceAll(':', ''), 'hex')
      open.set(session, { ...who, fingerprint, unanswered: false })
      session.once('close', () => open.delete(session))
    },
    look: () => looking.wake(),
    async stop() {
      clearInterval(pinging)
      await looking.stop()
    },
  }
}
