/**
 * What the page of analytics asks for, with a hundred thousand runs of events and as many jobs of a week, of forty events
 * and twenty users, beside the same questions to a database with two hundred.
 */
import { analyticsHeat, analyticsSeries } from '../../src/analytics/series.ts'
import { analyticsTable } from '../../src/analytics/table.ts'
import { flappingEvents, lateTicks } from '../../src/analytics/troubles.ts'
import type { Db } from '../../src/db/pool.ts'
import { percentile, type Figure } from '../figures.ts'
import { withCluster, type Bench } from '../queue-bench.ts'

const many = Number(process.env.BENCH_ANALYTICS_RUNS ?? 100_000)
const rounds = 9
const days = 7
const table = { days, sort: 'failed', limit: 50 } as const

const questions: Record<string, (bench: Bench) => Promise<unknown>> = {
  'table by event': ({ db }) => analyticsTable(db, { ...table, by: 'event' }),
  'table by user': ({ db }) => analyticsTable(db, { ...table, by: 'user' }),
  'table by user, of one': ({ db, ownerId }) => analyticsTable(db, { ...table, by: 'user', ownerId }),
  'table by pipeline': ({ db }) => analyticsTable(db, { ...table, by: 'pipeline' }),
  'by day': ({ db }) => analyticsSeries(db, { days }),
  'by hour of the week': ({ db }) => analyticsHeat(db, { days, zone: 'Europe/Berlin' }),
  flapping: ({ db }) => flappingEvents(db, { days, limit: 10 }),
  late: ({ db }) => lateTicks(db, { days, limit: 50 }),
}

export async function analytics(): Promise<Figure[]> {
  return withCluster(async (open) => {
    const [large, small] = [await open('large'), await open('small')]
    await fill(large, many)
    await fill(small, 200)
    const figures: Figure[] = []
    for (const [name, question] of Object.entries(questions)) {
      const times = { large: [] as number[], small: [] as number[] }
      for (let i = 0; i < rounds; i++) {
        for (const [bench, list] of [
          [large, times.large],
          [small, times.small],
        ] as const) {
          const begin = performance.now()
          await question(bench)
          list.push(performance.now() - begin)
        }
      }
      figures.push({
        name: `${name}, median`,
        value: percentile(times.large, 0.5),
        unit: 'ms',
        control: { name: '200 runs', value: percentile(times.small, 0.5) },
      })
    }
    return figures
  })
}

const ended = `case when n % 9 = 0 then 'failed' else 'succeeded' end`
const at = (seconds: string): string =>
  `now() - make_interval(secs => n * ${days * 86_400 - 3600}.0 / $1 + 300 - ${seconds})`

async function fill(bench: Bench, count: number): Promise<void> {
  const { db } = bench
  await bench.submit(1)
  await users(db)
  await db.query(
    `insert into jobs (public_id, owner_id, queue_id, lane_id, state, name, spec, priority, max_attempts, attempts_spent,
       last_attempt, created_at, started_at, ended_at, outcome)
     select 'j' || n, (select min(id) from users) + n % 20, queue_id, lane_id, ${ended}, 'build ' || n, spec, 5, 1, 1, 1, ${at('0')},
       ${at('2')}, ${at('2 - n % 100')},
       jsonb_build_object('state', ${ended}, 'exit_code', 0, 'remaining_processes', 0, 'usage', jsonb_build_object(
         'cpu_ms', n % 5000, 'memory_peak_bytes', 1000000 + n, 'io_read_bytes', n, 'io_write_bytes', n))
     from (select * from jobs where length(public_id) = 12 limit 1) one, generate_series(1, $1) n`,
    [count],
  )
  await db.query(
    `with e as (
       insert into events (public_id, owner_id, name, kind, version)
       select 'e' || n, (select min(id) from users) + n % 20, 'event ' || n, 'bash', 1 from generate_series(0, 39) n returning id
     ), first as (select min(id) as id from e)
     insert into event_runs (public_id, event_id, definition, owner_id, trigger, created_at, started_at, ended_at,
       settled_at, end_state, cpu_ms, memory_bytes)
     select 'r' || n, first.id + n % 40, '{"kind": "bash", "script": "true"}', (select min(id) from users) + n % 20, 'schedule',
       ${at('0')}, ${at('2')}, ${at('2 - n % 100')}, now(), ${ended}, n % 5000, n
     from generate_series(1, $1) n, first`,
    [count],
  )
  await db.query('vacuum analyze')
}

const users = (db: Db): Promise<unknown> =>
  db.query(
    `insert into users (username, password_hash, role) select 'user ' || n, '!', 'operator' from generate_series(1, 19) n`,
  )
