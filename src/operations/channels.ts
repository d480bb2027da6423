/** Stored destinations of messages: seen by everybody, changed by administrators, their settings shown to nobody. */
import { may } from '../access/permissions.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { newPublicId } from '../lib/ids.ts'
import type { QuietWindow } from '../job/message.ts'
import {
  deleteChannel,
  findChannel,
  listChannels,
  openSettings,
  putChannel,
  type PutChannel,
  type ShownChannelRow,
} from '../reactions/channels.ts'
import { addDelivery } from '../reactions/deliveries.ts'
import { messageJob } from '../reactions/message-job.ts'
import { phraseTest } from '../reactions/phrase.ts'
import { isTimeZone, quietAt } from '../reactions/quiet.ts'
import { submit } from '../queue/submit.ts'
import { audited } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { onlyAdmin } from './people-changes.ts'

const showChannel = (row: ShownChannelRow) => ({
  name: row.name,
  kind: row.kind,
  description: row.description,
  destination: row.destination,
  enabled: row.enabled,
  quiet: row.quiet,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
  last_delivery: row.last && { job_id: row.last.jobId, state: row.last.state, at: row.last.at.toISOString() },
})

function mayRead(ask: KnownAsk): void {
  if (!may(ask.principal, 'channel.read')) throw refusal(ask, 'channel.read', 'you may not see channels')
}

export async function listChannelsFor(deps: Deps, anyAsk: Ask) {
  mayRead(known(anyAsk))
  return (await listChannels(deps.db)).map(showChannel)
}

export async function getChannel(deps: Deps, anyAsk: Ask, name: string) {
  mayRead(known(anyAsk))
  const [row] = await listChannels(deps.db, name)
  if (row === undefined) throw notFound('channel')
  return showChannel(row)
}

/** `secret`: of a webhook, when it was made just now; it is not shown again. */
export async function putChannelBy(deps: Deps, anyAsk: Ask, input: PutChannel) {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'channel.put', target: `channel:${input.name}` }, async (tx, note) => {
    onlyAdmin(ask, 'channel.change')
    checkQuiet(input.quiet)
    const { secret } = await putChannel(tx, deps.sealer, input)
    const [row] = await listChannels(tx, input.name)
    const { kind, destination, enabled } = row!
    note({
      kind,
      destination,
      enabled,
      quiet: input.quiet.length,
      settings: (input.settings ?? input.changes) !== undefined,
    })
    return { ...showChannel(row!), secret }
  })
}

function checkQuiet(quiet: readonly QuietWindow[]): void {
  const fields: FieldProblem[] = quiet.flatMap(({ time_zone }, i) =>
    isTimeZone(time_zone)
      ? []
      : [{ field: `quiet[${i}].time_zone`, message: 'is no time zone that is known here, e.g. Europe/Berlin' }],
  )
  if (
    fields.length === 0 &&
    'never' in
      quietAt(
        new Date(),
        quiet.map((one) => ({ ...one, action: 'hold' })),
      )
  ) {
    fields.push({ field: 'quiet', message: 'leaves no time to send; to send nothing, disable the channel' })
  }
  if (fields.length > 0) {
    throw new AppError('invalid_argument', `${fields[0]!.field}: ${fields[0]!.message}`, { fields })
  }
}

export async function deleteChannelBy(deps: Deps, anyAsk: Ask, name: string): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'channel.delete', target: `channel:${name}` }, async (tx) => {
    onlyAdmin(ask, 'channel.change')
    if (!(await deleteChannel(tx, name))) throw notFound('channel')
  })
}

/** Now, whatever the quiet hours say, and also of a channel that is disabled. */
export async function testChannel(deps: Deps, anyAsk: Ask, name: string) {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'channel.test', target: `channel:${name}` }, async (tx, note) => {
    onlyAdmin(ask, 'channel.change')
    const { userId: ownerId, username } = ask.principal
    if (ownerId === null) throw new AppError('permission_denied', 'only a person may send a test')
    const channel = await findChannel(tx, name)
    if (channel === null) throw notFound('channel')
    const deliveryId = newPublicId()
    const words = phraseTest(name, username, new Date(), deps.config.publicUrl)
    const message = { channel: name, about: `test:${deliveryId}`, delivery_id: deliveryId, ...words }
    const job = messageJob({ message, settings: openSettings(channel, deps.sealer), sealer: deps.sealer })
    await addDelivery(tx, { message, ownerId, jobId: job.publicId, notSent: null, heldUntil: null })
    await submit(tx, { ownerId, jobs: [job] })
    note({ job: job.publicId, delivery: deliveryId })
    return { job_id: job.publicId }
  })
}
