/**
 * Every request that would change something leaves one audit row: in the transaction of the change, or by itself
 * when it was refused. If the row cannot be written, nothing is changed.
 */
import { audit, auditAll, type AuditEntry } from '../access/audit.ts'
import type { Queryable } from '../db/pool.ts'
import { isAppError } from '../lib/app-error.ts'
import type { Ask, Deps } from './deps.ts'

export interface Act {
  /** `noun.verb`, e.g. `job.cancel`. */
  action: string
  target?: string
}
export type Detail = Record<string, string | number | boolean | null | string[]>

/** Errors whose refusal has its row already; the edge asks before it writes one of its own. */
const noted = new WeakSet<object>()
/** The same refusal in other words has the first one as its cause. */
export const wasNoted = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && (noted.has(error) || wasNoted((error as { cause?: unknown }).cause))

const actorOf = (ask: Ask): AuditEntry['actor'] => ask.principal ?? { kind: 'anonymous', username: ask.claimed ?? '-' }

/** `work` gets a place for details that are known only afterwards. */
export async function audited<T>(
  deps: Deps,
  ask: Ask,
  act: Act,
  work: (tx: Queryable, note: (detail: Detail, target?: string) => void) => Promise<T>,
): Promise<T> {
  try {
    return await deps.db.tx(async (tx) => {
      let detail: Detail = {}
      let { target } = act
      const result = await work(tx, (more, at) => {
        detail = { ...detail, ...more }
        target = at ?? target
      })
      await noteDone(tx, ask, { ...act, target }, detail)
      return result
    })
  } catch (error) {
    await noteRefused(deps, ask, act, error)
    throw error
  }
}

export interface Done {
  ask: Ask
  act: Act
  detail: Detail
}

export const noteDone = (tx: Queryable, ask: Ask, act: Act, detail: Detail): Promise<void> =>
  noteAllDone(tx, [{ ask, act, detail }])

export async function noteAllDone(tx: Queryable, all: readonly Done[]): Promise<void> {
  await auditAll(
    tx,
    all.map(({ ask, act, detail }) => ({ actor: actorOf(ask), ...act, result: 'done', detail, address: ask.address })),
  )
}

/** Only refusals: an outage or a defect changed nothing and is nobody's attempt. */
export async function noteRefused(deps: Deps, ask: Ask, act: Act, error: unknown): Promise<void> {
  if (!isAppError(error) || wasNoted(error)) return
  if (error.code === 'unavailable' || error.code === 'internal' || error.code === 'deadline_exceeded') return
  noted.add(error)
  const fields = error.fields.slice(0, 20).map((problem) => problem.field.slice(0, 200))
  const detail = { code: error.code, reason: error.message.slice(0, 500), fields }
  await audit(deps.db, { actor: actorOf(ask), ...act, result: 'refused', detail, address: ask.address })
}
