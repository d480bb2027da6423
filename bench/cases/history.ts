/**
 * What a long life costs: a million jobs go through the table by the queue's own verbs while upkeep prunes them; then a
 * claim is measured beside one in a database that has seen nothing. And what counting costs: the same jobs with and
 * without the triggers that keep the counts.
 */
import { foldCounts } from '../../src/queue/totals.ts'
import { pruneOld } from '../../src/queue/prune.ts'
import { percentile, timed, type Figure } from '../figures.ts'
import { withCluster, type Bench } from '../queue-bench.ts'

const through = Number(process.env.BENCH_HISTORY_JOBS ?? 1_000_000)
const kept = 10_000
const perRound = 1000
const slots = 8

export async function history(): Promise<Figure[]> {
  return withCluster(async (open) => {
    const old = await open('old')
    const fresh = await open('fresh')
    const counting = await costOfCounting(await open('counting'))
    const seconds = await timed(() => live(old, through))
    const asItIs = await claims(old, fresh)
    const autovacuums = await vacuumed(old)
    // As autovacuum would a minute later, had the load stopped.
    for (const table of ['jobs', 'attempts', 'job_count_deltas']) await old.db.query(`vacuum analyze ${table}`)
    const rested = await claims(old, fresh)
    const million = through.toLocaleString('en')
    return [
      {
        name: `jobs/s, submit to pruned, by the queue's verbs, ${million} of them`,
        value: through / seconds,
        unit: '/s',
      },
      { name: `autovacuums of jobs meanwhile`, value: autovacuums, unit: '' },
      ...figuresOf(`claim of ${slots} right after ${million} jobs`, asItIs),
      ...figuresOf('the same after a vacuum', rested),
      ...counting,
    ]
  })
}

/** Jobs come, run, end and are pruned; a backlog of one round is always there. */
async function live(bench: Bench, count: number): Promise<void> {
  const limits = { retainDays: 30, retainCount: kept }
  await bench.submit(perRound)
  for (let done = 0; done < count; done += perRound) {
    await bench.submit(perRound)
    const jobs = await bench.claim(perRound)
    await bench.started(jobs)
    await bench.finish(jobs)
    await foldCounts(bench.db)
    await pruneOld(bench.db, limits)
  }
}

/** In turns, so that a noisy moment falls on both. */
async function claims(old: Bench, fresh: Bench): Promise<{ old: number[]; fresh: number[] }> {
  const samples = { old: [] as number[], fresh: [] as number[] }
  await fresh.submit(slots * 40)
  for (let i = 0; i < 330; i++) {
    for (const [bench, list] of [
      [old, samples.old],
      [fresh, samples.fresh],
    ] as const) {
      await bench.submit(slots)
      const begin = performance.now()
      const jobs = await bench.claim(slots)
      if (i >= 30) list.push(performance.now() - begin)
      await bench.finish(jobs)
    }
  }
  return samples
}

const figuresOf = (name: string, samples: { old: number[]; fresh: number[] }): Figure[] =>
  [0.5, 0.99].map((share) => ({
    name: `${name}, p${share * 100}`,
    value: percentile(samples.old, share),
    unit: 'ms',
    control: { name: 'new database', value: percentile(samples.fresh, share) },
  }))

async function vacuumed({ db }: Bench): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `select autovacuum_count::int as n from pg_stat_user_tables where relname = 'jobs'`,
  )
  return rows[0]!.n
}

/** Claim and finish of eight, with the triggers on and off in turns. */
async function costOfCounting(bench: Bench): Promise<Figure[]> {
  const samples = {
    on: { claim: [] as number[], finish: [] as number[] },
    off: { claim: [] as number[], finish: [] as number[] },
  }
  await bench.submit(slots * 20)
  for (let i = 0; i < 400; i++) {
    const mode = i % 2 === 0 ? 'on' : 'off'
    await bench.db.query(`alter table jobs ${mode === 'on' ? 'enable' : 'disable'} trigger user`)
    await bench.submit(slots)
    const begin = performance.now()
    const jobs = await bench.claim(slots)
    const claimed = performance.now()
    await bench.finish(jobs)
    if (i < 40) continue
    samples[mode].claim.push(claimed - begin)
    samples[mode].finish.push(performance.now() - claimed)
  }
  return (['claim', 'finish'] as const).map((verb) => ({
    name: `${verb} of ${slots}, counted, p50`,
    value: percentile(samples.on[verb], 0.5),
    unit: 'ms',
    control: { name: 'not counted', value: percentile(samples.off[verb], 0.5) },
  }))
}
