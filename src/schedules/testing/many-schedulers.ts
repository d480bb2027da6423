/** Several schedulers at once on one database, with clocks that differ, hooks that fail and sessions that are cut. */
import { openDb, type Db } from '../../db/pool.ts'
import { isAppError } from '../../lib/app-error.ts'
import { newPublicId } from '../../lib/ids.ts'
import { runDueSchedules } from '../scheduler.ts'
import type { ScheduleHooks } from '../types.ts'
import { clockMinutes, oraclePattern } from '../../job/timing/testing/oracle.ts'
import { noteFired, type ScheduleWorld } from './world.ts'

export interface ManySchedulers {
  url: string
  schedules: number
  minutes: number
  schedulers: number
  /** Each one's clock is off by up to so much. */
  skewMs: number
  seed: number
}

export interface Found {
  expected: number
  started: number
  missing: number
  duplicate: number
  /** Hooks that failed, and sessions that were cut. */
  failures: number
  cuts: number
}

/** Two hours before clocks go forward in New York; the others have their own troubles. */
const begins = Date.parse('2026-03-08T06:50Z')
const kinds = [
  ...(['* * * * *', '0-59 * * * *', '*/1 * * * *'] as const).map((cron) => ({ cron, zone: 'America/New_York' })),
  { cron: '0-59 0-23 * * *', zone: 'America/New_York' },
  { cron: '* * * * 0', zone: 'Asia/Kathmandu' },
]

export async function manySchedulers(db: Db, world: ScheduleWorld, options: ManySchedulers): Promise<Found> {
  const { url, schedules, minutes, schedulers, skewMs, seed } = options
  const random = seeded(seed)
  const keys: string[] = []
  const last = begins + (minutes - 1) * 60_000
  const policy = { ends_at: new Date(last), misfire: 'run_all', catch_up_seconds: 7200, catch_up_limit: 1000 } as const
  for (let i = 0; i < schedules; i++) {
    keys.push(await world.schedule(new Date(begins), { ...kinds[i % kinds.length], ...policy }))
  }
  let failures = 0
  let cuts = 0
  const hooks: ScheduleHooks = {
    async fire(tx, { key }, tick) {
      const chance = random()
      if (chance < 0.01) failures += 1
      if (chance < 0.005) throw new Error('before')
      await noteFired(tx, key, tick)
      if (chance < 0.01) throw new Error('after')
      if (chance > 0.998) {
        cuts += 1
        await tx.query('select pg_terminate_backend(pg_backend_pid())')
      }
      return { run: newPublicId() }
    },
    async cancelRun() {},
  }
  const steps = Array.from({ length: schedulers }, async () => {
    const own = openDb({ connectionString: url, max: 1 })
    const skew = (random() * 2 - 1) * skewMs
    const pass = async (at: number): Promise<void> => {
      const clock = (): Promise<Date> => Promise.resolve(new Date(at))
      for (let tries = 0; tries < 50; tries++) {
        try {
          if ((await runDueSchedules(own, hooks, clock)) === 0) return
        } catch (error) {
          if (!isAppError(error)) throw error
        }
      }
    }
    for (let at = begins; at < last; at += 60_000) await pass(Math.min(at + skew, last))
    for (let retry = 0; retry < 20; retry++) await pass(last + retry * 11_000)
    await own.end()
  })
  await Promise.all(steps)
  return { ...(await compare(db, keys, last)), failures, cuts }
}

async function compare(db: Db, keys: string[], last: number): Promise<Omit<Found, 'failures' | 'cuts'>> {
  const wanted = kinds.map(({ cron, zone }) => {
    const oracle = oraclePattern(cron)
    return [...clockMinutes(zone, begins, last)].filter((one) => oracle.comesAt(one)).map(({ at }) => at)
  })
  const { rows } = await db.query<{ key: string; at: string }>(
    `select schedule_id as key, (extract(epoch from tick) * 1000)::bigint as at from fired`,
  )
  const { rows: recorded } = await db.query<{ n: number }>(
    `select count(*)::int as n from schedule_ticks where outcome = 'started'`,
  )
  const fired = new Set(rows.map(({ key, at }) => `${key} ${at}`))
  const expected = keys.flatMap((key, i) => wanted[i % kinds.length]!.map((at) => `${key} ${at}`))
  return {
    expected: expected.length,
    started: recorded[0]!.n,
    missing: expected.filter((one) => !fired.has(one)).length,
    duplicate: rows.length - fired.size + (fired.size - expected.filter((one) => fired.has(one)).length),
  }
}

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
