/** What a tick does: a run in the name of the schedule's owner, by the way that all runs come in. */
import type { Principal } from '../access/authenticate.ts'
import type { Queryable } from '../db/pool.ts'
import type { BeginEvent } from '../events/begin.ts'
import { jsonPayload } from '../events/payload.ts'
import { pruneDeliveries } from '../events/webhook-deliveries.ts'
import { isAppError } from '../lib/app-error.ts'
import { cancelPipelineRun } from '../pipelines/cancel-run.ts'
import type { Service } from '../lib/service.ts'
import { checkLate, pruneTicks, type LateTick } from '../schedules/late.ts'
import { scheduling } from '../schedules/scheduler.ts'
import type { DueSchedule, ScheduleHooks } from '../schedules/types.ts'
import { noteSchedulesLate } from '../reactions/outbox.ts'
import { accountAsIs } from './account-as-is.ts'
import { noteDone } from './audited.ts'
import { cancelEventRunIn } from './cancel-event-run.ts'
import type { Deps } from './deps.ts'
import { beginEventIn } from './event-start.ts'
import { openLateIncidents } from './failure-services.ts'
import { signalService } from './signalled-events.ts'
import { pipelineHooks } from './pipeline-hooks.ts'
import { startDetail, startPipelineIn } from './pipeline-start.ts'

/** One of all servers runs them: what each does is harmless when two do it, and in vain. */
export const scheduleServices = (deps: Deps): Service[] => [
  scheduling(deps.db, scheduleHooks(deps)),
  signalService(deps),
  {
    name: 'webhooks.prune_deliveries',
    every: 600_000,
    async runOnce() {
      await pruneDeliveries(deps.db, deps.config.retainDays)
    },
  },
  {
    name: 'schedules.check_late',
    every: 2000,
    async runOnce() {
      await checkLate(deps.db, async (tx, late) => {
        await tellLate(tx, late)
        await openLateIncidents(tx, late)
      })
    },
  },
  {
    name: 'schedules.prune_ticks',
    every: 600_000,
    async runOnce() {
      await pruneTicks(deps.db, deps.config.retainDays)
    },
  },
]

export function scheduleHooks(deps: Deps): ScheduleHooks {
  const beginEvent = beginEventIn(deps)
  return {
    async fire(tx, schedule, tick) {
      if (schedule.event !== null) return beginEvent(tx, eventTick(schedule, schedule.event.key, tick))
      const principal = await ownerAsIs(tx, schedule)
      if ('refused' in principal) return principal
      const ask = { principal }
      const { pipeline, variables } = schedule
      const name = pipeline!
      const run = await startPipelineIn(tx, deps, ask, { name, variables, trigger: 'schedule' })
      const detail = { ...startDetail(run), schedule: schedule.publicId, tick: tick.toISOString() }
      await noteDone(tx, ask, { action: 'pipeline.start', target: `pipeline:${name}` }, detail)
      return { run: run.publicId }
    },
    async cancelRun(tx, schedule, run, reason) {
      if (schedule.event !== null) return cancelEventTick(tx, deps, schedule, { run, reason })
      const { rows } = await tx.query<{ key: string }>('select id as key from runs where public_id = $1', [run])
      if (rows[0] === undefined) return
      const was = await cancelPipelineRun(tx, pipelineHooks(deps), rows[0].key, reason).catch((error: unknown) => {
        // It has ended meanwhile, which is as good.
        if (isAppError(error) && error.code === 'conflict') return null
        throw error
      })
      if (was === null) return
      const principal = await ownerAsIs(tx, schedule)
      if ('refused' in principal) return
      const act = { action: 'pipeline_run.cancel', target: `pipeline_run:${run}` }
      await noteDone(tx, { principal }, act, { reason, was: was.was, schedule: schedule.publicId })
    },
  }
}

function eventTick({ publicId, input }: DueSchedule, eventKey: string, tick: Date): BeginEvent {
  return {
    ...{ eventKey, trigger: 'schedule', cause: { schedule: publicId, tick: tick.toISOString() } },
    ...(input !== null && { input: jsonPayload(input) }),
  }
}

async function cancelEventTick(
  tx: Queryable,
  deps: Deps,
  { publicId, ownerId }: DueSchedule,
  { run, reason }: { run: string; reason: string },
): Promise<void> {
  if (!(await cancelEventRunIn(tx, deps, run, reason))) return
  const principal = await accountAsIs(tx, ownerId, 'event_run.cancel', 'cancel runs')
  if ('refused' in principal) return
  const act = { action: 'event_run.cancel', target: `event_run:${run}` }
  await noteDone(tx, { principal }, act, { reason, schedule: publicId })
}

const ownerAsIs = (tx: Queryable, { ownerId }: DueSchedule): Promise<Principal | { refused: string }> =>
  accountAsIs(tx, ownerId, 'pipeline.start', 'start pipelines')

export const tellLate = (tx: Queryable, late: LateTick[]): Promise<void> =>
  noteSchedulesLate(
    tx,
    late.map(({ schedule, pipeline, event, tick, ownerId, notify, ...facts }) => ({
      schedule: {
        ...{ ...facts, id: schedule, pipeline: pipeline ?? event!.name, tick: tick.toISOString() },
        ...(event !== null && { event: event.publicId }),
      },
      ownerId,
      notify,
    })),
  )
