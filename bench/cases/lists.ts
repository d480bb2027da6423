/**
 * What a dashboard asks for, with a million jobs waiting, a million ended and fifty thousand older failures, beside the
 * same questions to a database with a hundred jobs. A search is measured at its worst: nothing fits.
 */
import { jobStats, listJobs, listQueues, type JobFilter } from '../../src/queue/find.ts'
import { percentile, type Figure } from '../figures.ts'
import { withCluster, type Bench } from '../queue-bench.ts'

const million = Number(process.env.BENCH_LIST_JOBS ?? 1_000_000)
const rounds = 9

const questions: Record<string, (bench: Bench) => Promise<unknown>> = {
  'list, newest': ask({}),
  'list of one owner': (bench) => ask({ ownerId: bench.ownerId })(bench),
  'list of what waits': ask({ state: ['blocked', 'scheduled', 'queued', 'leased'] }),
  'list of what failed long ago': ask({ state: ['failed', 'timed_out', 'oom_killed', 'lost'] }),
  'search, first page': ask({ name: 'nowhere' }),
  'search among what waits, first page': ask({ name: 'nowhere', state: ['queued'] }),
  'search to the end': async (bench) => {
    let cursor: string | null = null
    do cursor = (await listJobs(bench.db, { name: 'nowhere' }, cursor, 50)).nextCursor
    while (cursor !== null)
  },
  'counts by state': ({ db }) => jobStats(db),
  'queues with counts': ({ db }) => listQueues(db),
}

function ask(filter: JobFilter): (bench: Bench) => Promise<unknown> {
  return ({ db }) => listJobs(db, filter, null, 50)
}

export async function lists(): Promise<Figure[]> {
  return withCluster(async (open) => {
    const large = await open('large')
    const small = await open('small')
    for (const [bench, count] of [
      [large, million],
      [small, 100],
    ] as const) {
      await bench.submit(1)
      await fill(bench, 'failed', count / 20)
      await fill(bench, 'queued', count)
      await fill(bench, 'succeeded', count)
      await bench.db.query('vacuum analyze jobs')
    }
    const figures: Figure[] = []
    for (const [name, question] of Object.entries(questions)) {
      const times = { large: [] as number[], small: [] as number[] }
      for (let i = 0; i < (name === 'search to the end' ? 2 : rounds); i++) {
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
        control: { name: '200 jobs', value: percentile(times.small, 0.5) },
      })
    }
    return figures
  })
}

async function fill({ db }: Bench, state: string, count: number): Promise<void> {
  const perStatement = 50_000
  for (let done = 0; done < count; done += perStatement) {
    await db.query(
      `insert into jobs (public_id, owner_id, queue_id, lane_id, state, rank, name, spec, priority, max_attempts, ended_at)
       select translate(gen_random_uuid()::text, '-', ''), owner_id, queue_id, lane_id, $2, rank + n,
         'build ' || md5(n::text), spec, 5, 1, case when $2 <> 'queued' then now() end
       from (select * from jobs where length(public_id) = 12 limit 1) one, generate_series(1, $1) n`,
      [Math.min(perStatement, count - done), state],
    )
  }
}
