/** A database with a pipeline and somebody who owns schedules of it, and a hook that writes down what it was asked for. */
import type { Db, Queryable } from '../../db/pool.ts'
import { newPublicId } from '../../lib/ids.ts'
import { definitionOf, storePipeline } from '../../pipelines/testing/definitions.ts'
import { nextRun, type Timing } from '../../job/timing/next-run.ts'
import type { DueSchedule, ScheduleHooks } from '../types.ts'

export interface ScheduleOptions extends Partial<Omit<DueSchedule, 'zone' | keyof Timing>>, Partial<Timing> {}

export interface ScheduleWorld {
  ownerId: string
  pipelineId: string
  /** Due from `from` on. Answers its key. */
  schedule(from: Date, options?: ScheduleOptions): Promise<string>
  /** What became of its ticks: `12:00 started`. */
  ticks(key: string): Promise<string[]>
  /** The hook's own book, written in the scheduler's transaction: `12:00`. */
  fired(key: string): Promise<string[]>
}

export const scheduleWorld = async (db: Db): Promise<ScheduleWorld> => {
  const { rows } = await db.query<{ id: string }>(
    `insert into users (username, password_hash, role) values ('owner', '!', 'operator') returning id`,
  )
  const ownerId = rows[0]!.id
  const { pipelineId } = await storePipeline(db, 'nightly', definitionOf())
  await db.query('create table fired (schedule_id bigint, tick timestamptz)')
  const clock = `to_char(tick at time zone 'UTC', 'HH24:MI')`
  return {
    ownerId,
    pipelineId,
    async schedule(from, options = {}) {
      const timing = { cron: options.every_seconds ? null : '* * * * *', every_seconds: null, zone: 'UTC', ...options }
      const next = nextRun(timing, from.getTime() - 1)
      const made = await db.query<{ id: string }>(
        `insert into schedules (public_id, pipeline_id, name, source, owner_id, cron, every_seconds, zone, misfire,
           catch_up_seconds, catch_up_limit, overlap, late_after_seconds, starts_at, ends_at, next_at, look_at, high_water)
         values ($1, $2, $1, 'api', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15) returning id`,
        [
          ...[newPublicId(), pipelineId, ownerId, timing.cron, timing.every_seconds, timing.zone],
          ...[options.misfire ?? 'run_once', options.catch_up_seconds ?? 3600, options.catch_up_limit ?? 100],
          ...[options.overlap ?? 'queue', options.late_after_seconds ?? null, options.starts_at, options.ends_at],
          ...[next === null ? null : new Date(next), new Date(from.getTime() - 1)],
        ],
      )
      return made.rows[0]!.id
    },
    async ticks(key) {
      const found = await db.query<{ text: string }>(
        `select ${clock} || coalesce('-' || to_char(last_tick at time zone 'UTC', 'HH24:MI'), '') || ' ' || outcome as text
         from schedule_ticks where schedule_id = $1 order by tick`,
        [key],
      )
      return found.rows.map((row) => row.text)
    },
    async fired(key) {
      const found = await db.query<{ text: string }>(
        `select ${clock} as text from fired where schedule_id = $1 order by tick`,
        [key],
      )
      return found.rows.map((row) => row.text)
    },
  }
}

export const bookkeeping: ScheduleHooks = {
  async fire(tx, { key }, tick) {
    await noteFired(tx, key, tick)
    return { run: newPublicId() }
  },
  async cancelRun() {},
}

export const noteFired = (tx: Queryable, key: string, tick: Date): Promise<unknown> =>
  tx.query({ name: 'test_fired', text: 'insert into fired values ($1, $2)', values: [key, tick] })
