/** What a schedule starts: a pipeline or an event, and what either asks of it. */
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { pipelineInForce } from '../pipelines/definition-store.ts'
import type { ScheduleRow } from '../schedules/find-schedules.ts'
import type { ScheduleFields, ScheduleTarget } from '../schedules/store.ts'
import type { Deps, KnownAsk } from './deps.ts'
import { mayChangeEvent } from './event-changes.ts'
import { mayStart } from './pipeline-start.ts'
import { checkVariables } from './pipeline-variables.ts'

export type GivenTimes = { starts_at?: string | null | undefined; ends_at?: string | null | undefined }
export type GivenFields = {
  [K in keyof Omit<ScheduleFields, keyof GivenTimes>]?: ScheduleFields[K] | undefined
} & GivenTimes
/** What is to be started, locked: that lock comes before the schedule's, as in the scheduler. */
interface Scheduled {
  target: ScheduleTarget
  /** In whose name it starts. */
  ownerId: string
  /** Its name, for people. */
  words: string
  /** Throws when a schedule of it cannot be so; `given`: of a change, what is new. */
  check: Check
}
type Check = (fields: ScheduleFields, given?: GivenFields) => void

export async function scheduledPipeline(tx: Queryable, deps: Deps, ask: KnownAsk, name: string): Promise<Scheduled> {
  const ownerId = mayStart(deps, ask)
  const { pipelineId, check } = await lockedPipeline(tx, name)
  return { target: { pipelineId }, ownerId, words: name, check }
}

export async function scheduledEvent(tx: Queryable, ask: KnownAsk, ref: string): Promise<Scheduled> {
  const event = await mayChangeEvent(tx, ask, ref)
  if (event.status === 'archived') throw wrongField('event', 'is archived', 'failed_precondition')
  return { target: { eventKey: event.key }, ownerId: event.ownerId, words: event.name, check: checkOfEvent }
}

export const targetOf = ({ pipelineId, event }: ScheduleRow): ScheduleTarget =>
  pipelineId === null ? { eventKey: event!.key } : { pipelineId }

export async function lockTarget(tx: Queryable, { pipeline, event }: ScheduleRow): Promise<Check> {
  if (event === null) return (await lockedPipeline(tx, pipeline!)).check
  await tx.query('select from events where id = $1 for no key update', [event.key])
  return checkOfEvent
}

async function lockedPipeline(tx: Queryable, name: string): Promise<{ pipelineId: string; check: Check }> {
  await tx.query('select from pipelines where name = $1 for update', [name])
  const pipeline = await pipelineInForce(tx, name)
  if (pipeline === null) throw wrongField('pipeline', 'names no pipeline', 'not_found')
  const check: Check = (fields, given) => {
    if (fields.input !== null) throw wrongField('input', 'is what runs of events get; a pipeline has variables')
    if (given === undefined || given.variables !== undefined) checkVariables(pipeline.definition, fields.variables)
  }
  return { pipelineId: pipeline.pipelineId, check }
}

const checkOfEvent: Check = ({ variables }) => {
  if (Object.keys(variables).length > 0) throw wrongField('variables', 'are of pipelines; an event gets an input')
}

export function wrongField(field: string, message: string, code: AppError['code'] = 'invalid_argument'): AppError {
  return new AppError(code, `${field}: ${message}`, { fields: [{ field, message }] })
}
