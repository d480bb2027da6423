import { expect, test } from 'vitest'
import { bad, good, queueWorld } from '../../test/queue-world.ts'
import type { TestCase, TestReport } from '../job/test-report.ts'
import { testInsights } from './test-insights.ts'
import { listTests, storeTests, testCountsOf, testCountsOfJobs } from './tests.ts'

type Short = [name: string, status: TestCase['status'], durationMs?: number]

function reportOf(...cases: Short[]): TestReport {
  const of = (status: string): number => cases.filter((one) => one[1] === status).length
  return {
    ...{ total: cases.length, passed: of('passed'), failed: of('failed'), skipped: of('skipped') },
    durationMs: cases.reduce((sum, [, , ms = 1]) => sum + ms, 0),
    cases: cases.map(([name, status, durationMs = 1]) => ({
      ...{ suite: 'suite', name, status, durationMs, message: status === 'failed' ? `${name} is broken\0` : null },
    })),
  }
}

async function world() {
  const made = await queueWorld()
  const runner = await made.runner()
  let runs = 0
  return {
    ...made,
    /** A run of these jobs, one after the other, each with what its attempts report. */
    async run(name: string, jobs: { name: string; attempts: Short[][] }[]): Promise<string> {
      const { rows } = await made.db.query<{ id: string }>(
        `insert into runs (public_id, kind, owner_id, name, size) select $1, 'batch', id, $2, $3 from users limit 1
         returning id`,
        [`run${runs++}`, name, jobs.length],
      )
      const runKey = rows[0]!.id
      for (const { name: job, attempts } of jobs) {
        const [id] = await made.submit({ name: job, max_attempts: 5, retry: { backoff_seconds: 0 } })
        await made.db.query('update jobs set run_id = $1 where public_id = $2', [runKey, id])
        for (const cases of attempts) {
          await made.db.query(`update jobs set not_before = now() where state = 'scheduled'`)
          await made.db.query(`update jobs set state = 'queued' where state = 'scheduled'`)
          const ref = await runner.claimOne()
          expect(await storeTests(made.db, { ...runner.from, ref }, reportOf(...cases))).toBe(true)
          await runner.finish(ref, cases === attempts.at(-1) ? good : bad)
        }
      }
      return runKey
    },
    runner,
  }
}

test('the newest attempt of each job counts and is listed, failed cases first', async () => {
  const { db, run } = await world()
  const key = await run('nightly', [
    {
      name: 'a',
      attempts: [
        [['one', 'failed']],
        [
          ['one', 'passed', 5],
          ['two', 'skipped'],
        ],
      ],
    },
    { name: 'b', attempts: [[['three', 'failed', 9]]] },
  ])
  const counts = { total: 3, passed: 1, failed: 1, skipped: 1, duration_ms: 15 }
  expect(await testCountsOf(db, [key, '999'])).toEqual(new Map([[key, counts]]))
  const { rows: jobs } = await db.query<{ id: string }>(`select id from jobs where name = 'b'`)
  const ofB = { total: 1, passed: 0, failed: 1, skipped: 0, duration_ms: 9 }
  expect(await testCountsOfJobs(db, [jobs[0]!.id])).toEqual(new Map([[jobs[0]!.id, ofB]]))
  const names = async (filter: Partial<Parameters<typeof listTests>[2]>): Promise<string[]> => {
    const found: string[] = []
    let cursor: string | null = null
    do {
      const page = await listTests(db, key, { sort: 'status', ...filter }, cursor, 1)
      found.push(...page.rows.map((row) => row.name))
      cursor = page.nextCursor
    } while (cursor !== null)
    return found
  }
  expect(await names({})).toEqual(['three', 'two', 'one'])
  expect(await names({ sort: 'slowest' })).toEqual(['three', 'one', 'two'])
  expect(await names({ status: ['passed', 'skipped'] })).toEqual(['two', 'one'])
  expect(await names({ name: 'SUITE t' })).toEqual(['three', 'two'])
  const { rows } = await listTests(db, key, { sort: 'status' }, null, 1)
  expect(rows).toMatchObject([{ status: 'failed', attempt: 1, message: 'three is broken\uFFFD' }])
  await expect(listTests(db, key, { sort: 'status' }, 'nonsense', 1)).rejects.toThrow('cursor')
})

test('told twice it is there once; an attempt that is not ours any more stores nothing', async () => {
  const { db, submit, runner } = await world()
  await submit({})
  const ref = await runner.claimOne()
  const item = { ...runner.from, ref }
  const report = reportOf(['one', 'passed'])
  expect([await storeTests(db, item, report), await storeTests(db, item, report)]).toEqual([true, true])
  const count = async () => (await db.query('select 1 from test_results')).rowCount
  expect(await count()).toBe(1)
  expect(await storeTests(db, { ...item, session: 'another' }, report)).toBe(false)
  await runner.finish(ref, good)
  expect(await storeTests(db, item, reportOf(['one', 'passed'], ['two', 'passed']))).toBe(false)
  expect(await count()).toBe(1)
  await db.query('delete from jobs')
  expect(await count()).toBe(0)
})

test('flaky is what flips within its series, retries and later batches among them', async () => {
  const { db, run } = await world()
  const ok: Short = ['steady', 'passed', 10]
  await run('nightly', [
    {
      name: 'firefox',
      attempts: [
        [['flaky', 'failed', 100], ok],
        [['flaky', 'passed', 300], ok],
      ],
    },
    { name: 'chrome', attempts: [[['browser', 'failed'], ok, ['off', 'skipped']]] },
    { name: 'safari', attempts: [[['browser', 'passed'], ok]] },
  ])
  await run('nightly', [
    { name: 'firefox', attempts: [[['flaky', 'failed', 200], ok]] },
    { name: 'chrome', attempts: [[['browser', 'failed']]] },
  ])
  await run('other', [{ name: 'firefox', attempts: [[['flaky', 'passed', 200]]] }])
  const all = { days: 14, limit: 50 } as const
  expect(await testInsights(db, { ...all, order: 'flaky', runName: 'nightly' })).toMatchObject([
    { name: 'flaky', runs: 3, passed: 1, failed: 2, flips: 2, meanMs: 200, maxMs: 300, lastStatus: 'failed' },
  ])
  expect(await testInsights(db, { ...all, order: 'flaky' })).toMatchObject([
    { name: 'flaky', flips: 3, lastStatus: 'passed' },
  ])
  const names = async (order: 'slowest' | 'failing', more: object = {}) =>
    (await testInsights(db, { ...all, order, ...more })).map(({ name }) => name)
  expect(await names('failing')).toEqual(['browser', 'flaky'])
  expect(await names('slowest')).toEqual(['flaky', 'steady', 'browser'])
  expect(await names('slowest', { ownerId: '999' })).toEqual([])
  await db.query(`update test_results set at = now() - interval '20 days' where name = 'flaky'`)
  expect(await names('failing')).toEqual(['browser'])
})
