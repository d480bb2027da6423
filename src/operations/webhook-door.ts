/**
 * A delivery comes in by a webhook's address. Whoever is not let in hears the same, whatever is wrong: the address, the
 * signature, its time, an id that came before, a webhook that is switched off.
 */
import { audit, type AuditEntry } from '../access/audit.ts'
import type { Begun } from '../events/begin.ts'
import { isReplay, noteDelivery, noteRefused, takeTurn, type Delivery } from '../events/webhook-deliveries.ts'
import { verifyDelivery, type SignedRequest } from '../events/webhook-signature.ts'
import { findHookDoor, type HookDoor } from '../events/webhook-store.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import type { Ask, Deps } from './deps.ts'
import { beginEventIn } from './event-start.ts'

export interface IncomingDelivery extends SignedRequest {
  /** Of the address. */
  key: string
  /** Content type. */
  type: string
}

export type TakenDelivery =
  | { delivery_id: string; run_id: string | null }
  /** Not let in. `note` writes down why, after the answer, so that the answer takes as long as any other. */
  | { refused: 'unknown'; note: () => Promise<void> }

/** Throws when it was let in and began nothing: too many, or the event takes none. It may come again. */
export async function takeDelivery(deps: Deps, ask: Ask, incoming: IncomingDelivery): Promise<TakenDelivery> {
  const { webhook, secrets, now } = await findHookDoor(deps.db, deps.sealer, incoming.key)
  const guessed = incoming.headers['x-hub-signature-256'] === undefined ? 'standard' : 'github'
  const verdict = verifyDelivery(webhook?.scheme ?? guessed, secrets, incoming, now)
  const turnedAway = (note: () => Promise<void>): TakenDelivery => {
    tell('turned_away')
    return { refused: 'unknown', note }
  }
  if (webhook === null) return turnedAway(() => Promise.resolve())
  const refuse = (reason: string): TakenDelivery => turnedAway(() => noteTurnedAway(deps, ask, webhook, reason))
  if ('refused' in verdict) return refuse(verdict.refused)
  if (!webhook.enabled) return refuse('the webhook is disabled')
  const delivery = { webhookKey: webhook.key, ...verdict }
  // GitHub's question whether anybody is there.
  if (webhook.scheme === 'github' && incoming.headers['x-github-event'] === 'ping') {
    await noteDelivery(deps.db, delivery, { reason: 'ping' })
    tell('ping')
    return { delivery_id: verdict.deliveryId, run_id: null }
  }
  const begun = await begin(deps, ask, { webhook, delivery, incoming }).catch((error: unknown) => {
    if (isAppError(error) && error.code === 'resource_exhausted') tell('limited')
    throw error
  })
  if (begun === 'replay') return refuse(`a replay of ${verdict.deliveryId}`)
  tell('refused' in begun ? 'refused' : 'accepted')
  if ('refused' in begun) throw new AppError('failed_precondition', begun.refused)
  return { delivery_id: verdict.deliveryId, run_id: begun.run }
}

const tell = (result: 'accepted' | 'ping' | 'refused' | 'limited' | 'turned_away'): void =>
  emitFact({ name: 'webhook.delivered', level: 'debug', result })

interface Verified {
  webhook: OpenDoor
  delivery: Delivery
  incoming: IncomingDelivery
}
type OpenDoor = NonNullable<HookDoor['webhook']>

const begin = (deps: Deps, ask: Ask, { webhook, delivery, incoming }: Verified): Promise<Begun | 'replay'> =>
  deps.db.tx(async (tx) => {
    // Deliveries of one event come one after the other, so that of two with the same id one is a replay.
    await tx.query({ name: 'webhooks_lock', text: lockEventOf, values: [webhook.key] })
    if (await isReplay(tx, delivery)) return 'replay'
    const retryAfterSeconds = await takeTurn(tx, webhook.key)
    if (retryAfterSeconds > 0) {
      const words = 'too many deliveries for this webhook: wait, then send it again'
      throw new AppError('resource_exhausted', words, { retryAfterSeconds })
    }
    const { deliveryId } = delivery
    const begun = await beginEventIn(deps)(tx, {
      eventKey: webhook.eventKey,
      trigger: 'webhook',
      cause: { webhook: webhook.publicId, delivery: deliveryId, headers: headersKept(incoming.headers) },
      input: { type: incoming.type, bytes: incoming.body },
    })
    const outcome: { reason: string } | { run: string } =
      'refused' in begun ? { reason: begun.refused } : { run: begun.run }
    await noteDelivery(tx, delivery, outcome)
    await audit(
      tx,
      entryOf(ask, webhook, 'refused' in begun ? 'refused' : 'done', { delivery: deliveryId, ...outcome }),
    )
    return begun
  })

const lockEventOf = `select from events where id = (select event_id from event_webhooks where id = $1) for no key update`

async function noteTurnedAway(deps: Deps, ask: Ask, webhook: OpenDoor, reason: string): Promise<void> {
  if (await noteRefused(deps.db, webhook.key, reason)) {
    await audit(deps.db, entryOf(ask, webhook, 'refused', { reason }))
  }
}

/** Nobody is signed in: the sender is whoever has the secret. */
const entryOf = (
  { address }: Ask,
  { publicId }: OpenDoor,
  result: AuditEntry['result'],
  detail: AuditEntry['detail'],
): AuditEntry => ({
  actor: { kind: 'anonymous', username: `webhook ${publicId}` },
  ...{ action: 'webhook.deliver', target: `webhook:${publicId}`, result, detail, address },
})

/** What a script may want to know of it; nothing that lets anybody in. */
const keptHeader = /^(content-type|user-agent|x-request-id|x-[a-z-]{0,30}event(-[a-z]{1,20})?)$/

const headersKept = (headers: SignedRequest['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .flatMap(([name, value]) =>
        keptHeader.test(name) && typeof value === 'string' ? [[name, value.slice(0, 200)] as const] : [],
      )
      .slice(0, 10),
  )
