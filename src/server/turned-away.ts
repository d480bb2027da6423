/**
 * Who was turned away at the secure port, in the audit log: the first of each kind (why, from where, with which
 * certificate) at once, those that follow within a minute counted into one row more, and of all kinds together sixty
 * rows a minute. So a flood of connections is seen, and is no flood of rows.
 */
import type { X509Certificate } from 'node:crypto'
import { audit } from '../access/audit.ts'
import type { TurnedAway } from '../api/grpc/secure-listener.ts'
import type { Queryable } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import { identityOf, type CertificateIdentity } from '../x509/identity.ts'

export interface Doorkeeper {
  note(refused: TurnedAway): void
  stop(): Promise<void>
}

const togetherMs = 60_000
const mostRows = 60

/** One that nobody can read is noted without its names. */
function namesOf(certificate: X509Certificate | undefined): Partial<CertificateIdentity> {
  try {
    return certificate ? identityOf(certificate) : {}
  } catch {
    return {}
  }
}

export function createDoorkeeper(db: Queryable): Doorkeeper {
  const seen = new Map<string, { more: number; timer: NodeJS.Timeout; write(more: number): void }>()
  const writing = new Set<Promise<void>>()

  const write = (refused: TurnedAway, again: number): void => {
    const { why, address, certificate } = refused
    // What TLS refused is nobody's word; what it let pass, an authority of ours once wrote.
    const { commonName = '-', fingerprint } = namesOf(certificate)
    const row = audit(db, {
      actor: { kind: 'anonymous', username: commonName },
      action: 'grpc.connect',
      ...(fingerprint ? { target: `certificate:${fingerprint.toString('hex')}` } : {}),
      result: 'refused',
      detail: { reason: why, ...(again > 0 ? { again } : {}) },
      address,
    })
      .catch((error: unknown) => emitFact({ name: 'audit.failed', level: 'error', error: String(error) }))
      .finally(() => writing.delete(row))
    writing.add(row)
  }

  return {
    note(refused) {
      const key = `${refused.why}\n${refused.address}\n${refused.certificate?.fingerprint256 ?? ''}`
      const known = seen.get(key)
      if (known !== undefined) {
        known.more += 1
        return
      }
      emitFact({ name: 'grpc.turned_away', level: 'warn', why: refused.why, address: refused.address })
      if (seen.size >= mostRows) return
      const timer = setTimeout(() => {
        const more = seen.get(key)?.more ?? 0
        seen.delete(key)
        if (more > 0) write(refused, more)
      }, togetherMs)
      timer.unref()
      seen.set(key, { more: 0, timer, write: (more) => write(refused, more) })
      write(refused, 0)
    },
    async stop() {
      for (const { more, timer, write: writeMore } of seen.values()) {
        clearTimeout(timer)
        if (more > 0) writeMore(more)
      }
      seen.clear()
      await Promise.all(writing)
    },
  }
}
