/** A message through a tool's action: its words filled in and checked, then the delivery and the job that sends it. */
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'
import { fillTemplates } from '../expressions/evaluate.ts'
import { ExpressionProblem, type Names } from '../expressions/names.ts'
import type { MessageBody } from '../job/event.ts'
import type { ChannelSettings, Message } from '../job/message.ts'
import { toolAction, tools, type ToolAction, type ToolInput } from '../job/tools/index.ts'
import { receiverProblems } from '../job/tools/receivers.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { newPublicId } from '../lib/ids.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'
import type { Json } from '../lib/json.ts'
import type { NewJob } from '../queue/types.ts'
import { findChannel, openSettings, type ChannelRow } from './channels.ts'
import { addDelivery } from './deliveries.ts'
import { messageJob } from './message-job.ts'
import { templateInput } from './message-templates.ts'
import { linkTo } from './phrase.ts'
import { quietAt } from './quiet.ts'

export interface ToolMessageInput {
  ownerId: string
  body: MessageBody
  /** What it tells of; a second one of the same about the same channel is not made. */
  about: string
  /** What its texts speak of. */
  names: Names
  /** `values`: the input came from a running script and is no template; only the stored template is one. */
  input: 'templates' | 'values'
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

async function filledInput(
  tx: Queryable,
  { body, names, input: kind }: ToolMessageInput,
  action: ToolAction,
  settings: ChannelSettings,
): Promise<ToolInput> {
  const stored = body.template === undefined ? {} : await templateInput(tx, body.template)
  if (stored === null) throw wrong([{ field: 'template', message: `there is no message template ${body.template}` }])
  const given = body.input as Record<string, Json>
  const filled = await (
    kind === 'templates'
      ? fillTemplates({ ...stored, ...given }, names, { html: action.html })
      : fillTemplates(stored, { ...names, input: given }, { html: action.html }).then((from) => ({
          ...(from as object),
          // With a template, what the action does not take is there for the template alone.
          ...(body.template === undefined ? given : onlyKnown(action, given)),
        }))
  ).catch((error: unknown) => {
    throw error instanceof ExpressionProblem ? wrong([{ field: 'input', message: error.message }]) : error
  })
  const { value, problems } = readInput(action, filled)
  if (problems.length > 0) throw wrong(problems)
  if (settings.kind === 'email') {
    const refused = receiverProblems(settings, value as Parameters<typeof receiverProblems>[1])
    if (refused.length > 0) throw wrong(refused.map(inInput))
  }
  return value
}

function onlyKnown(action: ToolAction, given: Record<string, Json>): Record<string, Json> {
  const probe = action.input.safeParse(given)
  const unknown = new Set(
    probe.success ? [] : probe.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : [])),
  )
  return Object.fromEntries(Object.entries(given).filter(([name]) => !unknown.has(name)))
}

/** As the action's schema has it; `problems` are at `input.…`. */
export function readInput(action: ToolAction, input: unknown): { value: ToolInput; problems: FieldProblem[] } {
  const parsed = action.input.safeParse(input)
  if (parsed.success) return { value: parsed.data, problems: [] }
  return { value: {}, problems: problemsOf(parsed.error.issues as ZodIssue[]).map(inInput) }
}

const inInput = ({ field, message }: FieldProblem): FieldProblem => ({
  field: field === '' ? 'input' : `input.${field}`,
  message,
})

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

export const wrong = (fields: FieldProblem[]): AppError =>
  new AppError('invalid_argument', `${fields[0]!.field}: ${fields[0]!.message}`, { fields })
