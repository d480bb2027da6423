import { expect, test } from 'vitest'
import { bad, good, lease, queueWorld } from '../../test/queue-world.ts'
import { findJob } from './find.ts'
import { finish } from './finish.ts'
import { handBack } from './hand-back.ts'
import { heartbeat, stillHeld } from './heartbeat.ts'
import { promoteDue } from './promote-due.ts'
import { started } from './started.ts'
import type { AttemptRef, FromRunner } from './types.ts'

test('a success: outcome, log, times and attempt are recorded', async () => {
  const world = await queueWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  const job = await runner.claimOne()
  expect(await runner.started(job)).toEqual({ results: ['accepted'], changed: [id] })
  expect(await runner.started(job)).toEqual({ results: ['accepted'], changed: [] })
  const outcome = {
    ...good,
    started_at: '1999-01-01T00:00:00Z',
    ended_at: '2999-01-01T00:00:00Z',
    unenforced: ['pids'],
  }
  const log = { length: 9, stdout_bytes: 5, stderr_bytes: 0, truncated_bytes: 7 }
  const answer = await finish(world.db, [{ ...runner.from, ref: job, outcome, log }])
  expect(answer).toEqual({ results: ['accepted'], changed: [id] })
  expect(await world.row(id!)).toMatchObject({ state: 'succeeded', outcome, attempts_spent: 1, last_attempt: 1 })
  expect((await findJob(world.db, id!))?.truncatedBytes).toBe(7)
  const { rows } = await world.db.query<Record<string, unknown>>(
    `select a.state, a.log, a.unenforced, a.leased_at <= a.started_at and a.started_at <= a.ended_at
       and a.ended_at <= clock_timestamp() as sane, j.started_at = a.started_at and j.ended_at = a.ended_at as same
     from attempts a join jobs j on j.id = a.job_id`,
  )
  expect(rows).toEqual([{ state: 'succeeded', log, unenforced: ['pids'], sane: true, same: true }])
})

test('a finish without a start report is as good', async () => {
  const world = await queueWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  await runner.finish(await runner.claimOne(), { ...good, started_at: new Date().toISOString() })
  const row = await world.row(id!)
  expect(row.state).toBe('succeeded')
  expect(row.started_at).not.toBeNull()
})

test('failures are tried again with a growing wait until the attempts are spent', async () => {
  const world = await queueWorld()
  const [id] = await world.submit({ max_attempts: 3, retry: { backoff_seconds: 10, jitter: 0 } })
  const runner = await world.runner()
  const rank = (await world.row(id!)).rank
  for (const wait of [10, 20]) {
    await runner.finish(await runner.claimOne(), bad)
    const { rows } = await world.db.query<{ wait: number }>(
      'select round(extract(epoch from not_before - now()))::int as wait from jobs',
    )
    expect(rows).toEqual([{ wait }])
    expect(await world.row(id!)).toMatchObject({
      state: 'scheduled',
      scheduled_for: 'backoff',
      outcome: bad,
      ended_at: null,
    })
    await world.db.query(`update jobs set not_before = now()`)
    expect(await promoteDue(world.db)).toBe(1)
    expect((await world.row(id!)).rank).toBe(rank)
  }
  const last = await runner.claimOne()
  expect(last.number).toBe(3)
  await runner.finish(last, bad)
  expect(await world.row(id!)).toMatchObject({ state: 'failed', attempts_spent: 3, last_attempt: 3 })
  expect(await promoteDue(world.db)).toBe(0)
})

test('a retry rises in token, never falls', async () => {
  const world = await queueWorld()
  await world.submit({ max_attempts: 9, retry: { backoff_seconds: 0 } })
  const runner = await world.runner()
  const tokens: bigint[] = []
  for (let i = 0; i < 5; i++) {
    const job = await runner.claimOne()
    tokens.push(BigInt(job.token))
    await runner.finish(job, bad)
    await promoteDue(world.db)
  }
  expect(tokens).toEqual([...tokens].sort((a, b) => (a < b ? -1 : 1)))
  expect(new Set(tokens).size).toBe(5)
})

test.each([
  ['start', 'failed'],
  ['exit', 'scheduled'],
] as const)('error class %s leads to %s', async (error_class, state) => {
  const world = await queueWorld()
  const [id] = await world.submit({ max_attempts: 2 })
  const runner = await world.runner()
  await runner.finish(await runner.claimOne(), { state: 'failed', error_class })
  expect(await world.state(id!)).toBe(state)
})

test('hand-back spends no attempt, but a number; the job keeps its place', async () => {
  const world = await queueWorld()
  const [first] = await world.submit({})
  const runner = await world.runner({ slots: 1 })
  const job = await runner.claimOne()
  await runner.started(job)
  await world.submit({})
  expect(await handBack(world.db, [{ ...runner.from, ref: job }])).toEqual({ results: ['accepted'], changed: [first] })
  runner.held.length = 0
  expect(await world.row(first!)).toMatchObject({ state: 'queued', attempts_spent: 0, last_attempt: 1, outcome: null })
  const again = await runner.claimOne()
  expect(again).toMatchObject({ publicId: first, number: 2 })
  await runner.finish(again, bad)
  expect(await world.row(first!)).toMatchObject({ state: 'failed', attempts_spent: 1 })
  expect(await world.attempts(first!)).toEqual([
    { number: 1, state: 'handed_back' },
    { number: 2, state: 'failed' },
  ])
})

test('a batch of 2,000 finishes is one transaction; each item has its own answer', async () => {
  const world = await queueWorld()
  await world.submit(...Array.from({ length: 2_000 }, () => ({})))
  const runner = await world.runner({ slots: 2_000 })
  const jobs = await runner.claim()
  expect(jobs).toHaveLength(2_000)
  const wrong = { ...jobs[0]!, token: '1' + jobs[0]!.token }
  const { results, changed } = await runner.finishAll([wrong, ...jobs, jobs[5]!])
  expect(results[0]).toBe('stale')
  expect(results.at(-1)).toBe('stale')
  expect(results.filter((r) => r === 'accepted')).toHaveLength(2_000)
  expect(new Set(changed).size).toBe(2_000)
  expect(await world.states()).toEqual({ succeeded: 2_000 })
}, 60_000)

test('batches in opposite order do not deadlock', async () => {
  const world = await queueWorld()
  const runner = await world.runner({ slots: 200 })
  await world.submit(...Array.from({ length: 200 }, () => ({})))
  const jobs = await runner.claim()
  const servers = [world.db, world.secondDb()]
  const answers = await Promise.all(
    [jobs, jobs.toReversed(), jobs, jobs.toReversed()].map((order, n) =>
      finish(
        servers[n % 2]!,
        order.map((ref) => ({ ...runner.from, ref, outcome: good, log: null })),
      ),
    ),
  )
  expect(answers.flatMap((a) => a.results).filter((r) => r === 'accepted')).toHaveLength(200)
})

test('words of a program that jsonb would refuse do not fail the batch', async () => {
  const world = await queueWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  const { results } = await runner.finish(await runner.claimOne(), { ...bad, message: 'a\0b \ud800' })
  expect(results).toEqual(['accepted'])
  expect((await world.row(id!)).outcome).toMatchObject({ message: 'a\ufffdb \ufffd' })
})

/** Every message about an attempt, sent by whoever with whatever fence; true when it was taken. */
const messages: Record<
  string,
  (db: Parameters<typeof finish>[0], from: FromRunner, ref: AttemptRef) => Promise<boolean>
> = {
  heartbeat: async (db, from, ref) =>
    (await heartbeat(db, [{ ...from, held: [ref] }], lease)).get(from.runnerId)!.stale.length === 0,
  started: async (db, from, ref) =>
    (await started(db, [{ ...from, ref, startedAt: new Date() }])).results[0] === 'accepted',
  finish: async (db, from, ref) =>
    (await finish(db, [{ ...from, ref, outcome: good, log: null }])).results[0] === 'accepted',
  'hand-back': async (db, from, ref) => (await handBack(db, [{ ...from, ref }])).results[0] === 'accepted',
  'log bytes': async (db, from, ref) => (await stillHeld(db, [{ ...from, ref }]))[0]!,
}

test.each(Object.entries(messages))('a stale %s is refused and changes nothing', async (_, send) => {
  const world = await queueWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  const stranger = await world.runner()
  const first = await runner.claimOne()
  await handBack(world.db, [{ ...runner.from, ref: first }])
  runner.held.length = 0
  const now = await runner.claimOne()
  const before = await world.db.query('select j.*, a.* from jobs j join attempts a on a.job_id = j.id order by number')

  const refused: [FromRunner, AttemptRef][] = [
    [runner.from, first],
    [runner.from, { ...now, token: first.token }],
    [runner.from, { ...now, number: first.number }],
    [runner.from, { ...now, jobKey: '999999' }],
    [runner.from, { ...now, token: String(BigInt(now.token) + 1n) }],
    [stranger.from, now],
    [{ ...runner.from, session: 'earlier' }, now],
  ]
  for (const [from, ref] of refused) expect(await send(world.db, from, ref)).toBe(false)
  const after = await world.db.query('select j.*, a.* from jobs j join attempts a on a.job_id = j.id order by number')
  expect(after.rows).toEqual(before.rows)

  expect(await send(world.db, runner.from, now)).toBe(true)
  await runner.finish(now)
  expect(await send(world.db, runner.from, now)).toBe(false)
  expect(['succeeded', 'queued']).toContain(await world.state(id!))
})
