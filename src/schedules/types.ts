import type { Queryable } from '../db/pool.ts'
import type { misfirePolicies, overlapPolicies } from '../job/pipeline.ts'
import type { Timing } from '../job/timing/next-run.ts'

/** One whose next tick is due, locked. */
export interface DueSchedule extends Timing {
  key: string
  publicId: string
  name: string
  /** Null: it runs an event. */
  pipelineId: string | null
  pipeline: string | null
  /** Null: it starts a pipeline. */
  event: { key: string; publicId: string; name: string } | null
  ownerId: string
  misfire: (typeof misfirePolicies)[number]
  catch_up_seconds: number
  catch_up_limit: number
  overlap: (typeof overlapPolicies)[number]
  variables: Record<string, unknown>
  /** Of an event: what its runs get; null: the event's own. */
  input: unknown
  late_after_seconds: number | null
  next_at: Date
}

/** Given by `operations/`, which alone may start and cancel runs. */
export interface ScheduleHooks {
  /**
   * Starts a run in this transaction. An AppError is an answer and refuses the tick for good; anything else that is
   * thrown undoes what the hook did, and the tick is tried again.
   */
  fire(tx: Queryable, schedule: DueSchedule, tick: Date): Promise<{ run: string } | { refused: string }>
  /** `run`: public id of one that this schedule started. */
  cancelRun(tx: Queryable, schedule: DueSchedule, run: string, reason: string): Promise<void>
}

/** The database's, so that all servers agree; tests give another. */
export type Clock = (db: Queryable) => Promise<Date>

export const databaseClock: Clock = async (db) => {
  const { rows } = await db.query<{ now: Date }>({
    name: 'schedules_now',
    text: 'select clock_timestamp() as now',
  })
  return rows[0]!.now
}
