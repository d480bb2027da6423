/** Messages about attempts that are not the sender's: refused where they are written, noted here in the audit log. */
import { auditAll } from '../access/audit.ts'
import { emitFact } from '../lib/facts.ts'
import { lookAtStale } from '../queue/look-at-stale.ts'
import type { AttemptRef } from '../queue/types.ts'
import type { Deps } from './deps.ts'
import type { RunnerIdentities, Speaker } from './runner-identity.ts'
import { createSeen } from './seen.ts'

export type StaleKind = 'heartbeat' | 'started' | 'append_log' | 'finish' | 'hand_back' | 'call_helper'

/** Of one runner in a minute: a runner that invents attempts must not fill the table. */
const mostPerMinute = 120

export function createStaleAudit({ db }: Deps, identities: RunnerIdentities) {
  const seen = createSeen(20_000)
  const minutes = new Map<string, { began: number; rows: number }>()

  const roomFor = (runnerId: string, wanted: number): number => {
    const now = performance.now()
    for (const [id, { began }] of minutes) if (now - began > 60_000) minutes.delete(id)
    const minute = minutes.get(runnerId) ?? { began: now, rows: 0 }
    minutes.set(runnerId, minute)
    const room = Math.min(wanted, mostPerMinute - minute.rows)
    minute.rows += room
    return room
  }

  /** One row for each attempt and kind of message. What cannot be noted is refused all the same. */
  return async (speaker: Speaker, kind: StaleKind, refs: readonly AttemptRef[]): Promise<void> => {
    const fresh = refs.filter((ref) => seen.add(`${kind} ${speaker.runnerId} ${ref.jobKey}-${ref.number} ${ref.token}`))
    if (fresh.length === 0) return
    try {
      const looks = (await lookAtStale(db, speaker, fresh)).filter(({ repeated }) => !repeated)
      const noted = looks.slice(0, roomFor(speaker.runnerId, looks.length))
      if (noted.length < looks.length) {
        emitFact({
          name: 'runner.stale_unnoted',
          level: 'warn',
          id: speaker.runnerId,
          count: looks.length - noted.length,
        })
      }
      if (noted.length === 0) return
      const { principal, address } = identities.ask(speaker)
      await auditAll(
        db,
        noted.map(({ ref, publicId, why }) => ({
          actor: principal,
          action: 'runner.stale',
          target: publicId === null ? undefined : `job:${publicId}`,
          result: 'refused',
          detail: { kind, number: ref.number, token: ref.token, reason: why },
          address,
        })),
      )
    } catch (error) {
      emitFact({ name: 'runner.stale_unnoted', level: 'error', id: speaker.runnerId, error: String(error) })
    }
  }
}
