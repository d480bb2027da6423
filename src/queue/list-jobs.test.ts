import { expect, test } from 'vitest'
import { aQueue, aUser } from '../../test/factories.ts'
import { aJob, queueWorld, type QueueWorld } from '../../test/queue-world.ts'
import { cancel } from './cancel.ts'
import { listJobs, type JobFilter } from './list-jobs.ts'
import { submit } from './submit.ts'

/** Jobs of two owners in two queues and three states, mixed; as `id: [owner, queue, state, name]`, newest first. */
async function mixed(world: QueueWorld) {
  await aQueue(world.db, { name: 'other' })
  const stranger = await aUser(world.db)
  const made: { id: string; owner: string; queue: string; state: string; name: string; team: string }[] = []
  for (let i = 0; i < 44; i++) {
    const owner = i % 3 === 0 ? stranger.id : world.userId
    const queue = i % 5 === 0 ? 'other' : 'default'
    const state = i % 7 === 0 ? 'cancelled' : i % 2 === 0 ? 'scheduled' : 'queued'
    const name = i % 11 === 0 ? `rare ${i}` : `common ${i}`
    const team = i % 4 === 0 ? 'a' : 'b'
    const labels = i % 13 === 0 ? undefined : { team, n: String(i % 2) }
    const job = aJob({ queue, name, labels, ...(state === 'scheduled' ? { delay_seconds: 99 } : {}) })
    await submit(world.db, { ownerId: owner, jobs: [job] })
    if (state === 'cancelled') await cancel(world.db, { publicId: job.publicId })
    made.unshift({ id: job.publicId, owner, queue, state, name, team: labels ? `${team}${i % 2}` : '' })
  }
  return { stranger: stranger.id, made }
}

const filters = (
  me: string,
  stranger: string,
): [JobFilter, (job: Awaited<ReturnType<typeof mixed>>['made'][0]) => boolean][] => [
  [{}, () => true],
  [{ ownerId: me }, (job) => job.owner === me],
  [{ queue: 'other' }, (job) => job.queue === 'other'],
  [{ notQueue: 'other' }, (job) => job.queue !== 'other'],
  [{ state: ['queued', 'cancelled'] }, (job) => job.state !== 'scheduled'],
  [{ state: ['failed'] }, () => false],
  [
    { ownerId: stranger, queue: 'default', state: ['scheduled'] },
    (job) => job.owner === stranger && job.queue === 'default' && job.state === 'scheduled',
  ],
  [{ name: 'rare' }, (job) => job.name.startsWith('rare')],
  [
    { name: 'RARE', ownerId: me, state: ['queued', 'scheduled'] },
    (job) => job.name.startsWith('rare') && job.owner === me && job.state !== 'cancelled',
  ],
  [{ labels: ['team=a'] }, (job) => job.team === 'a0'],
  [
    { labels: ['n=1', 'team=b'], ownerId: me, name: 'common' },
    (job) => job.team === 'b1' && job.owner === me && job.name.startsWith('common'),
  ],
  [{ labels: ['team=c'] }, () => false],
  [{ name: 'nowhere' }, () => false],
  [{ until: new Date(0), state: ['queued'] }, () => false],
]

test.each([1, 4, 50_000])('a list that looks at %s jobs per page has every job once, in order', async (atMost) => {
  const world = await queueWorld()
  const { made, stranger } = await mixed(world)
  for (const [filter, matches] of filters(world.userId, stranger)) {
    for (const limit of [1, 7, 200]) {
      const seen: string[] = []
      let cursor: string | null = null
      let pages = 0
      do {
        const page = await listJobs(world.db, filter, cursor, limit, { atMost })
        expect(page.rows.length).toBeLessThanOrEqual(limit)
        seen.push(...page.rows.map((row) => row.publicId))
        cursor = page.nextCursor
        expect((pages += 1)).toBeLessThan(200)
      } while (cursor !== null)
      expect(seen, JSON.stringify(filter)).toEqual(made.filter(matches).map((job) => job.id))
    }
  }
})

test('a page of a search reads no more than it may', async () => {
  const world = await queueWorld()
  await world.submit(...Array.from({ length: 300 }, () => ({ name: 'common' })))
  const reads = await world.db.tx(async (tx) => {
    const page = await listJobs(tx, { name: 'rare' }, null, 5, { atMost: 50 })
    expect(page.rows).toEqual([])
    expect(page.nextCursor).not.toBeNull()
    const { rows } = await tx.query<{ n: number }>(
      `select (pg_stat_get_xact_tuples_returned('jobs'::regclass) + pg_stat_get_xact_tuples_fetched('jobs'::regclass))::int as n`,
    )
    return rows[0]!.n
  })
  expect(reads).toBeLessThanOrEqual(110)
})

test.each(['never analyzed', 'analyzed'])(
  'the newest of a rare kind are found without reading the others (%s)',
  async (statistics) => {
    const world = await queueWorld()
    const [rare] = await world.submit({})
    await cancel(world.db, { publicId: rare! })
    const [one] = await world.submit({})
    await world.db.query(
      `insert into jobs (public_id, owner_id, queue_id, lane_id, state, rank, name, spec, priority, max_attempts)
     select 'b' || lpad(n::text, 11, '0'), owner_id, queue_id, lane_id, 'queued', rank, name, spec, priority, max_attempts
     from jobs, generate_series(1, 20000) n where public_id = $1`,
      [one],
    )
    if (statistics === 'analyzed') await world.db.query('analyze')
    const reads = await world.db.tx(async (tx) => {
      const { rows } = await listJobs(tx, { state: ['cancelled', 'skipped'] }, null, 50)
      expect(rows.map((row) => row.publicId)).toEqual([rare])
      const read = await tx.query<{ n: number }>(
        `select (pg_stat_get_xact_tuples_returned('jobs'::regclass) + pg_stat_get_xact_tuples_fetched('jobs'::regclass)
         + (select sum(pg_stat_get_xact_tuples_returned(indexrelid)) from pg_index where indrelid = 'jobs'::regclass))::int as n`,
      )
      return read.rows[0]!.n
    })
    expect(reads).toBeLessThan(100)
  },
)
