/** A message through a tool's action: its words filled in and checked, then the delivery and the job that sends it. */
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'
import type { MessageBody } from '../job/event.ts'
import type { ChannelKind, Message } from '../job/message.ts'
import { toolAction, tools, type ToolAction, type ToolInput } from '../job/tools/index.ts'
import { isAppError, type FieldProblem } from '../lib/app-error.ts'
import { newPublicId } from '../lib/ids.ts'
import type { NewJob } from '../queue/types.ts'
import { findChannel, openSettings, type ChannelRow } from './channels.ts'
import { addDelivery } from './deliveries.ts'
import { messageJob } from './message-job.ts'
import { templateInput } from './message-templates.ts'
import { linkTo } from './phrase.ts'
import { quietAt } from './quiet.ts'
import { filledInput, readInput, wrong, type InputToFill } from './tool-input.ts'

export interface ToolMessageInput extends InputToFill {
  ownerId: string
  /** What it tells of; a second one of the same about the same channel is not made. */
  about: string
  /** Kept by receivers to know it again. */
  deliveryId?: string
  /** In the dashboard. */
  page?: string
  /** For the body of a webhook. */
  data?: Record<string, unknown>
}

export interface Parts {
  sealer: Sealer
  publicUrl: string | undefined
}

/** `notSent`: the delivery is in the list with that reason, and there is no job. `job` is not submitted yet. */
export type ToolMessage = { deliveryId: string } & ({ job: NewJob } | { notSent: string } | { told: true })

/** Throws an AppError that names the field: no such channel, action or template, or an input that the action refuses. */
export async function toolMessage(tx: Queryable, parts: Parts, given: ToolMessageInput): Promise<ToolMessage> {
  const { body, ownerId, about, deliveryId = newPublicId() } = given
  const channel = await findChannel(tx, body.channel)
  if (channel === null) throw wrong([{ field: 'channel', message: `there is no channel ${body.channel}` }])
  const action = actionOf(channel, body)
  const settings = openSettings(channel, parts.sealer)
  const input = await filledInput(tx, given, action, settings)
  const link = given.page === undefined ? undefined : linkTo(parts.publicUrl, given.page)
  const message: Message = {
    ...{ channel: channel.name, about, delivery_id: deliveryId, ...wordsOf(input) },
    ...(link === undefined ? {} : { link }),
    ...{ tone: 'neutral', type: 'event.message', at: new Date().toISOString(), data: given.data ?? {} },
    tool: { action: action.name, input },
  }
  const when = sendable(channel)
  const notSent = 'reason' in when ? when.reason : null
  const heldUntil = 'hold' in when ? when.hold : null
  const job =
    notSent === null
      ? messageJob({ message, settings, sealer: parts.sealer, ...(heldUntil !== null && { heldUntil }) })
      : null
  const fresh = await addDelivery(tx, { message, ownerId, jobId: job?.publicId ?? null, notSent, heldUntil })
  if (!fresh) return { deliveryId, told: true }
  return job === null ? { deliveryId, notSent: notSent! } : { deliveryId, job }
}

/** What is wrong with it before there is anything to fill it in with; that there is no such channel is told elsewhere. */
export async function messageProblems(db: Queryable, body: MessageBody, at: string): Promise<FieldProblem[]> {
  const { rows } = await db.query<{ kind: ChannelKind }>('select kind from channels where name = $1', [body.channel])
  if (rows[0] === undefined) return []
  const stored = body.template === undefined ? {} : await templateInput(db, body.template)
  try {
    const action = actionOf(rows[0], body)
    // It may be made later.
    if (stored === null) return []
    const input = { ...stored, ...body.input }
    const { problems } = readInput(action, input)
    const unknown = unknownFields(action, input)
    const known = fieldsOf(action).join(', ')
    // A text that is yet to be filled in may become anything; under a wrong name it is of no use.
    return problems
      .filter(({ field }) => unknown.has(field) || !willBeFilled(input, field))
      .map(({ field, message }) => ({
        field: `${at}.${field}`,
        message: unknown.has(field) ? `${message}: ${rows[0]!.kind} ${action.name} takes ${known}` : message,
      }))
  } catch (error) {
    if (!isAppError(error)) throw error
    return error.fields.map(({ field, message }) => ({ field: `${at}.${field}`, message }))
  }
}

const fieldsOf = ({ input }: ToolAction): string[] => ('shape' in input ? Object.keys(input.shape as object) : [])

function unknownFields(action: ToolAction, input: object): Set<string> {
  const known = fieldsOf(action)
  return new Set(
    known.length === 0 ? [] : Object.keys(input).flatMap((name) => (known.includes(name) ? [] : [`input.${name}`])),
  )
}

function willBeFilled(input: Record<string, unknown>, field: string): boolean {
  const name = /^input\.(\w+)/.exec(field)?.[1]
  return name !== undefined && Object.hasOwn(input, name) && /\{[{%]/.test(JSON.stringify(input[name]))
}

function actionOf(channel: Pick<ChannelRow, 'kind'>, { action: name }: MessageBody): ToolAction {
  const action = toolAction(channel.kind, name)
  if (action !== undefined) return action
  const there = tools[channel.kind].actions.map((one) => one.name).join(', ')
  throw wrong([{ field: 'action', message: `${channel.kind} has no action ${name}; it has ${there}` }])
}

function sendable({ enabled, quiet }: ChannelRow): { reason: string } | { hold: Date } | { now: true } {
  if (!enabled) return { reason: 'the channel is disabled' }
  const state = quietAt(new Date(), quiet)
  if ('drop' in state) return { reason: 'dropped: it came up in quiet hours' }
  if ('never' in state) return { reason: 'the quiet hours of the channel leave no time to send' }
  return 'hold' in state ? { hold: state.hold } : { now: true }
}

/** For lists, and for a runner that does not know tools yet. */
function wordsOf(input: ToolInput): { subject: string; text: string } {
  const text =
    typeof input.text === 'string' ? input.text : JSON.stringify(input.body ?? input.blocks ?? input.embeds ?? '')
  const subject = typeof input.subject === 'string' && input.subject !== '' ? input.subject : text
  return {
    subject:
      subject
        .replaceAll(/[\s\p{C}]+/gu, ' ')
        .trim()
        .slice(0, 200) || 'Message',
    text,
  }
}
