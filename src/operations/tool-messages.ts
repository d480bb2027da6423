/** Messages of events and of running scripts, through the tool that the channel is of. */
import type { Queryable } from '../db/pool.ts'
import { chargedTo } from '../expressions/evaluate.ts'
import type { Payload } from '../events/payload.ts'
import type { MessageBody } from '../job/event.ts'
import { AppError } from '../lib/app-error.ts'
import type { NewJob } from '../queue/types.ts'
import { submit } from '../queue/submit.ts'
import { valueOf } from '../reactions/payload-value.ts'
import { toolMessage } from '../reactions/tool-message.ts'
import type { Deps } from './deps.ts'

const partsOf = ({ sealer, config }: Deps) => ({ sealer, publicUrl: config.publicUrl })

export interface EventMessageInput {
  /** Public id of the run. */
  run: string
  event: { name: string; ownerId: string; publicId: string }
  message: MessageBody
  input: Payload | null
}

/** The job of a run of an event of kind `message`, with its delivery; its texts speak of `input` and `event`. */
export async function toolMessageJob(tx: Queryable, deps: Deps, given: EventMessageInput): Promise<NewJob> {
  const { run, event, message: body, input } = given
  const made = await chargedTo(event.ownerId, () =>
    toolMessage(tx, partsOf(deps), {
      ...{ ownerId: event.ownerId, body, about: `run:${run}`, input: 'templates', page: `event-runs/${run}` },
      names: { input: valueOf(input), event: { id: event.publicId, name: event.name, run_id: run } },
      data: { event: event.name, run_id: run },
    }),
  )
  if ('job' in made) return made.job
  throw new AppError('failed_precondition', 'notSent' in made ? `not sent: ${made.notSent}` : 'was sent already')
}

export interface HelperMessageInput {
  /** Whose job it is. */
  ownerId: string
  /** e.g. `job:x1y2:key`: a second call with the same sends nothing. */
  about: string
  body: MessageBody
  /** Of the run that the job belongs to. */
  event?: { id: string; name: string; run_id: string; version: number | null }
  jobId?: string
}

/** `job` null: it is listed as not sent, for `reason`. */
export async function sendToolMessage(
  tx: Queryable,
  deps: Deps,
  { ownerId, about, body, event, jobId }: HelperMessageInput,
): Promise<{ delivery_id: string; job: string | null; reason: string | null }> {
  const made = await chargedTo(ownerId, () =>
    toolMessage(tx, partsOf(deps), {
      ...{ ownerId, about, body, input: 'values', names: { event: event ?? null } },
      ...(jobId !== undefined && { page: `jobs/${jobId}` }),
      data: {
        ...(event && { event: event.name, run_id: event.run_id }),
        ...(jobId !== undefined && { job_id: jobId }),
      },
    }),
  )
  if ('job' in made) await submit(tx, { ownerId, jobs: [made.job] })
  return {
    delivery_id: made.deliveryId,
    job: 'job' in made ? made.job.publicId : null,
    reason: 'notSent' in made ? made.notSent : null,
  }
}
