/** What a tick does: a run in the name of the schedule's owner, by the way that all runs come in. */
import type { Principal } from '../access/authenticate.ts'
import { may, type Role } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { isAppError } from '../lib/app-error.ts'
import { cancelPipelineRun } from '../pipelines/cancel-run.ts'
import type { Service } from '../lib/service.ts'
import { checkLate, pruneTicks, type LateTick } from '../schedules/late.ts'
import { scheduling } from '../schedules/scheduler.ts'
import type { DueSchedule, ScheduleHooks } from '../schedules/types.ts'
import { noteSchedulesLate } from '../reactions/outbox.ts'
import { noteDone } from './audited.ts'
import type { Deps } from './deps.ts'
import { pipelineHooks } from './pipeline-hooks.ts'
import { startDetail, startPipelineIn } from './pipeline-start.ts'

/** One of all servers runs them: what each does is harmless when two do it, and in vain. */
export const scheduleServices = (deps: Deps): Service[] => [
  scheduling(deps.db, scheduleHooks(deps)),
  {
    name: 'schedules.check_late',
    every: 2000,
    async runOnce() {
      await checkLate(deps.db, tellLate)
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
  return {
    async fire(tx, schedule, tick) {
      const principal = await ownerAsIs(tx, schedule)
      if ('refused' in principal) return principal
      const ask = { principal }
      const { pipeline: name, variables } = schedule
      const run = await startPipelineIn(tx, deps, ask, { name, variables, trigger: 'schedule' })
      const detail = { ...startDetail(run), schedule: schedule.publicId, tick: tick.toISOString() }
      await noteDone(tx, ask, { action: 'pipeline.start', target: `pipeline:${name}` }, detail)
      return { run: run.publicId }
    },
    async cancelRun(tx, schedule, run, reason) {
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

/** With the rights that the account has now, not those that it had when the schedule was made. */
async function ownerAsIs(tx: Queryable, { ownerId }: DueSchedule): Promise<Principal | { refused: string }> {
  const { rows } = await tx.query<{ username: string; role: Role; disabled: boolean; deleted: boolean }>({
    name: 'schedules_owner',
    text: `select username, role, disabled_at is not null as disabled, deleted_at is not null as deleted
      from users where id = $1`,
    values: [ownerId],
  })
  const { username, role, disabled, deleted } = rows[0]!
  if (deleted || disabled) return { refused: `the account ${username} is ${deleted ? 'deleted' : 'disabled'}` }
  const principal: Principal = { kind: 'user', userId: ownerId, username, role }
  if (!may(principal, 'pipeline.start')) return { refused: `${username} (${role}) may not start pipelines any more` }
  return principal
}

export const tellLate = (tx: Queryable, late: LateTick[]): Promise<void> =>
  noteSchedulesLate(
    tx,
    late.map(({ schedule, name, pipeline, tick, late_after_seconds, outcome, run, reason, ownerId, notify }) => ({
      schedule: { id: schedule, name, pipeline, tick: tick.toISOString(), late_after_seconds, outcome, run, reason },
      ownerId,
      notify,
    })),
  )
