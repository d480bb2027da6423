/** The way in for every run of an event, whoever asks: people, schedules, webhooks, ends of other things, actions. */
import type { Principal } from '../access/authenticate.ts'
import type { Queryable } from '../db/pool.ts'
import type { BeginEvent, BeginEventIn } from '../events/begin.ts'
import {
  chainIsFull,
  chainRuns,
  countOpenRuns,
  endUnstarted,
  insertRun,
  linkRun,
  waitingRuns,
  type WaitingRun,
} from '../events/event-runs.ts'
import { lockEvent, type EventRow } from '../events/event-store.ts'
import { jsonPayload, type Payload } from '../events/payload.ts'
import { eventLimits, type EventDefinition, type EventTrigger } from '../job/event.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { newPublicId } from '../lib/ids.ts'
import { submit } from '../queue/submit.ts'
import { accountAsIs } from './account-as-is.ts'
import { noteDone } from './audited.ts'
import type { Ask, Deps } from './deps.ts'
import { eventJob } from './event-job.ts'
import { startEventPipeline } from './event-pipeline.ts'
import { syncTriggers } from './event-triggers.ts'

/** Somebody asked for this very run: status, dates and `max_executions` of the event do not stand in the way, it does not
 * count towards these, and its audit row is theirs. */
const byHand: readonly EventTrigger[] = ['manual', 'api', 'test', 'redrive']
/** Runs of one event that wait for a place: a trigger in a loop would fill the database otherwise. */
const mostWaiting = 1000

/** For triggers: what is refused is noted at the event and answered in words. */
export function beginEventIn(deps: Deps): BeginEventIn {
  return async (tx, begin) => {
    await tx.query('savepoint begin_event')
    try {
      const begun = await beginEvent(tx, deps, begin)
      await tx.query('release savepoint begin_event')
      return begun
    } catch (error) {
      const refused = refusalWords(error)
      if (refused === null) throw error
      await tx.query('rollback to savepoint begin_event')
      if (!byHand.includes(begin.trigger)) {
        await tx.query('update events set problem = $2 where id = $1', [begin.eventKey, refused.slice(0, 500)])
      }
      return { refused }
    }
  }
}

/** Null: an outage or a defect, which is nobody's answer. */
function refusalWords(error: unknown): string | null {
  if (!isAppError(error)) return null
  const { code, message } = error
  return code === 'internal' || code === 'unavailable' || code === 'deadline_exceeded' ? null : message
}

/** The same for somebody who hears the error itself; with `ask` the job's trace is theirs. */
export async function beginEvent(
  tx: Queryable,
  deps: Deps,
  begin: BeginEvent,
  ask?: Ask,
): Promise<{ run: string; key: string }> {
  const { trigger } = begin
  try {
    const begun = await beginRun(tx, deps, begin, ask)
    emitFact({ name: 'event.begun', level: 'debug', trigger, run: begun.run })
    return begun
  } catch (error) {
    const reason = refusalWords(error)
    if (reason !== null) emitFact({ name: 'event.refused', level: 'debug', trigger, reason })
    throw error
  }
}

async function beginRun(
  tx: Queryable,
  deps: Deps,
  begin: BeginEvent,
  ask: Ask | undefined,
): Promise<{ run: string; key: string }> {
  const { trigger, depth = 0 } = begin
  deps.closing.check()
  const event = await lockEvent(tx, begin.eventKey)
  if (event === null) throw new AppError('not_found', 'the event is gone')
  const definition = begin.definition ?? event.definition
  if (depth > eventLimits.depth) {
    throw refused(event, `would be ${depth} runs deep; at most ${eventLimits.depth} lead to one another`)
  }
  // Twenty events that each wait for all the others would be 20^10 runs within the depth.
  if (begin.rootRun !== undefined && (await chainIsFull(tx, begin.rootRun))) {
    throw refused(event, `would be one of more than ${chainRuns} runs that follow from one first run`)
  }
  checkStatus(event, trigger)
  if (!byHand.includes(trigger)) await checkDates(tx, event)
  const principal = await ownerOf(tx, event)
  const counts = !byHand.includes(trigger)
  if (counts) checkExecutions(event)
  const waits = trigger !== 'test' && (await mustWait(tx, event))
  const input = begin.input ?? (definition.input === undefined ? null : jsonPayload(definition.input))
  const run = newPublicId()
  const started = waits ? {} : await startWork(tx, deps, { run, event, definition, input, trigger, principal, ask })
  const key = await insertRun(tx, {
    ...{ publicId: run, eventKey: event.key, definition, ownerId: event.ownerId, trigger, cause: begin.cause, input },
    version: begin.definition === undefined ? event.version : null,
    ...{ depth, rootRun: begin.rootRun ?? null, ...started },
  })
  await noteBegun(tx, event, counts)
  if (!byHand.includes(trigger)) {
    const detail = { run, trigger, ...(begin.cause.schedule !== undefined && { schedule: begin.cause.schedule }) }
    await noteDone(tx, { principal }, { action: 'event.run', target: `event:${event.publicId}` }, detail)
  }
  return { run, key }
}

/** Those that waited for a place and have one now. The event's row is locked; returns how many began. */
export async function admitWaiting(tx: Queryable, deps: Deps, eventKey: string): Promise<number> {
  const event = await lockEvent(tx, eventKey)
  if (event === null) return 0
  const { started, waiting } = await countOpenRuns(tx, eventKey)
  const { max_running: most } = event.definition
  const free = most === null ? waiting : Math.min(most - started, waiting)
  if (free <= 0) return 0
  const runs = await waitingRuns(tx, eventKey, Math.min(free, 100))
  for (const run of runs) await startWaiting(tx, deps, event, run)
  return runs.length
}

async function startWaiting(tx: Queryable, deps: Deps, event: EventRow, run: WaitingRun): Promise<void> {
  await tx.query('savepoint start_waiting')
  try {
    const principal = await ownerOf(tx, event)
    const started = await startWork(tx, deps, { ...run, run: run.publicId, event, principal })
    await linkRun(tx, run.key, started)
    await tx.query('release savepoint start_waiting')
  } catch (error) {
    const words = refusalWords(error)
    if (words === null) throw error
    await tx.query('rollback to savepoint start_waiting')
    await endUnstarted(tx, run.key, { state: 'failed', error: words })
  }
}

interface Work {
  run: string
  event: EventRow
  definition: EventDefinition
  input: Payload | null
  trigger: EventTrigger
  principal: Principal
  ask?: Ask | undefined
}

async function startWork(tx: Queryable, deps: Deps, work: Work): Promise<{ job?: string; pipelineRun?: string }> {
  const { event, definition, principal } = work
  if (definition.kind === 'pipeline') return { pipelineRun: await startEventPipeline(tx, deps, { ...work, principal }) }
  const job = await eventJob(tx, deps, work)
  await submit(tx, { ownerId: event.ownerId, jobs: [job], fieldPrefix: () => 'job.' })
  return { job: job.publicId }
}

function checkStatus(event: EventRow, trigger: EventTrigger): void {
  if (event.status === 'archived') throw refused(event, 'is archived: resume it first')
  if (event.status !== 'active' && !byHand.includes(trigger)) {
    throw refused(event, event.status === 'draft' ? 'is a draft' : 'is paused')
  }
}

async function checkDates(tx: Queryable, event: EventRow): Promise<void> {
  const { starts_at, ends_at } = event.definition
  if (starts_at === null && ends_at === null) return
  const { rows } = await tx.query<{ now: Date }>('select clock_timestamp() as now')
  const now = rows[0]!.now.getTime()
  if (starts_at !== null && now < Date.parse(starts_at)) throw refused(event, `starts at ${starts_at}`)
  if (ends_at !== null && now >= Date.parse(ends_at)) throw refused(event, `ended at ${ends_at}`)
}

function checkExecutions({ executions, definition, ...event }: EventRow): void {
  const { max_executions: most } = definition
  if (most !== null && executions >= most) throw refused(event, `has run ${executions} times, of ${most} at most`)
}

async function mustWait(tx: Queryable, event: EventRow): Promise<boolean> {
  const { max_running: most, when_full: full } = event.definition
  if (most === null) return false
  const { started, waiting } = await countOpenRuns(tx, event.key)
  if (started + waiting < most) return false
  if (full === 'skip')
    throw refused(event, `has ${started} ${started === 1 ? 'run' : 'runs'} already, of ${most} at once`)
  if (waiting >= mostWaiting) throw refused(event, `has ${waiting} runs waiting already`)
  return true
}

async function ownerOf(tx: Queryable, event: EventRow): Promise<Principal> {
  const principal = await accountAsIs(tx, event.ownerId, 'event.run', 'run events')
  if ('refused' in principal) throw refused(event, `cannot run: ${principal.refused}`)
  return principal
}

/** The last that may be of `max_executions` pauses it. */
async function noteBegun(tx: Queryable, event: EventRow, counts: boolean): Promise<void> {
  const executions = event.executions + (counts ? 1 : 0)
  const { max_executions: most } = event.definition
  const last = counts && event.status === 'active' && most !== null && executions >= most
  const problem = last ? `paused: it has run ${executions} times, of ${most} at most` : null
  await tx.query({
    name: 'events_begun',
    text: `update events set executions = $2, problem = $3, status = case when $4 then 'paused' else status end
      where id = $1`,
    values: [event.key, executions, problem, last],
  })
  if (last) await syncTriggers(tx, { ...event, status: 'paused' }, event.definition)
}

const refused = ({ name }: Pick<EventRow, 'name'>, why: string): AppError =>
  new AppError('failed_precondition', `event ${name} ${why}`)
