/** A message that a running script sends: through a channel of this installation, in its owner's name. */
import { may } from '../access/permissions.ts'
import { aboutRun } from '../events/run-of-attempt.ts'
import { AppError } from '../lib/app-error.ts'
import { newPublicId } from '../lib/ids.ts'
import type { AttemptRef } from '../queue/types.ts'
import { ownerOf, type Asked } from './helper-asked.ts'
import type { HelperParams } from './helper-calls.ts'
import { sendToolMessage } from './tool-messages.ts'

/** Of one attempt: a loop that runs away would fill everybody's channel. */
const mostMessages = 1000
/** Of the attempts that sent last, in the memory of one server. */
const sentBy = new Map<string, number>()
const mostRemembered = 10_000

function countMessage({ jobKey, number }: AttemptRef): void {
  const attempt = `${jobKey}-${number}`
  const sent = (sentBy.get(attempt) ?? 0) + 1
  if (sent > mostMessages) {
    throw new AppError('permission_denied', `one attempt sends at most ${mostMessages} messages`)
  }
  sentBy.delete(attempt)
  sentBy.set(attempt, sent)
  if (sentBy.size > mostRemembered) sentBy.delete(sentBy.keys().next().value!)
}

/** Its input is data, never a template: what a script makes of somebody's words stays as it is. */
export async function sendHelperMessage(
  { tx, deps, held, note }: Asked,
  body: HelperParams<'message.send'>,
): Promise<{ delivery_id: string }> {
  const { userId, username, role } = ownerOf(held)
  if (!may(held.owner, 'job.submit')) {
    throw new AppError('permission_denied', `${username} (${role}) may not send messages`)
  }
  countMessage(held.ref)
  const { id, name, run_id, version } = await aboutRun(tx, held)
  const about = `job:${held.publicId}:${newPublicId()}`
  const sent = await sendToolMessage(tx, deps, {
    ...{ ownerId: userId, about, body, jobId: held.publicId },
    ...(id !== null && run_id !== null && { event: { id, name, run_id, version } }),
  })
  note(
    { action: 'message.send', target: `channel:${body.channel}` },
    { delivery: sent.delivery_id, job: held.publicId },
  )
  if (sent.reason !== null) throw new AppError('failed_precondition', `not sent: ${sent.reason}`)
  return { delivery_id: sent.delivery_id }
}
