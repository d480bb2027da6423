/** What became of messages; one that failed can be sent again. */
import { scopeOf } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { isTerminal } from '../job/state.ts'
import { findChannel, openSettings } from '../reactions/channels.ts'
import {
  listDeliveries,
  redelivered,
  takeDelivery,
  type DeliveryRow,
  type DeliveryState,
} from '../reactions/deliveries.ts'
import { messageJob } from '../reactions/message-job.ts'
import { submit } from '../queue/submit.ts'
import { audited } from './audited.ts'
import { known, notFound, type Ask, type Deps } from './deps.ts'
import { onlyAdmin } from './people-changes.ts'

export interface DeliveriesInput {
  channel?: string
  about?: string
  state?: DeliveryState[]
  cursor?: string
  limit: number
}

/** A message tells of somebody's jobs: who may not see those does not see it. */
export async function listDeliveriesFor(deps: Deps, anyAsk: Ask, input: DeliveriesInput) {
  const { principal } = known(anyAsk)
  const scope = scopeOf(principal, 'job.read')
  if (scope === 'none') throw new AppError('permission_denied', 'you may not see deliveries')
  const { channel, about, state, cursor, limit } = input
  const ownerId = scope === 'all' ? undefined : principal.userId!
  const { rows, nextCursor } = await listDeliveries(deps.db, { channel, about, state, ownerId }, cursor ?? null, limit)
  return { deliveries: rows.map(showDelivery), next_cursor: nextCursor }
}

const showDelivery = (row: DeliveryRow) => ({
  id: row.id,
  channel: row.channel,
  about: row.about,
  subject: row.subject,
  job_id: row.jobId,
  state: row.state,
  attempts: row.attempts,
  result: row.result,
  created_at: row.createdAt.toISOString(),
  ended_at: row.endedAt?.toISOString() ?? null,
  held_until: row.heldUntil?.toISOString() ?? null,
})

/** A new job with the same message and the same id, to where the channel points now. */
export async function redeliver(deps: Deps, anyAsk: Ask, id: string) {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'delivery.redeliver', target: `delivery:${id}` }, async (tx, note) => {
    onlyAdmin(ask, 'channel.change')
    const delivery = await takeDelivery(tx, id)
    if (delivery === null) throw notFound('delivery')
    const { message, ownerId, jobId, state } = delivery
    if (state !== 'not_sent' && !isTerminal(state)) {
      throw new AppError('conflict', `it is still on its way: job ${jobId} is ${state}`)
    }
    const channel = await findChannel(tx, message.channel)
    if (channel === null) throw new AppError('failed_precondition', `the channel ${message.channel} was deleted`)
    if (!channel.enabled) throw new AppError('failed_precondition', `the channel ${message.channel} is disabled`)
    const job = messageJob({ message, settings: openSettings(channel, deps.sealer), sealer: deps.sealer })
    await submit(tx, { ownerId, jobs: [job] })
    await redelivered(tx, id, job.publicId)
    note({ channel: message.channel, about: message.about, job: job.publicId })
    return { job_id: job.publicId }
  })
}
