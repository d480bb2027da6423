/** Lists of pipelines and runs: filters, pages, places on the waiting list. */
import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import { aUser } from '../../test/factories.ts'
import { newPublicId } from '../lib/ids.ts'
import { findPipeline, listPipelineRows } from './find-pipelines.ts'
import { findPipelineRun, listPipelineRunRows, type PipelineRunFilter } from './find-runs.ts'
import { tasksOfRun } from './find-tasks.ts'
import { makeRun } from './new-run.ts'
import { definitionOf, storePipeline } from './testing/definitions.ts'

async function world() {
  const { db, drop } = await testDatabase()
  onTestFinished(drop)
  const [anna, ben] = [await aUser(db), await aUser(db)]
  const start = async (name: string, state: 'waiting' | 'running', ownerId = anna.id) => {
    const definition = definitionOf({ tasks: { b: {}, a: { depends_on: ['b'] } }, description: 'says 100%' })
    const pipeline = await storePipeline(db, name, definition)
    const publicId = newPublicId()
    const { runKey } = await db.tx((tx) =>
      makeRun(tx, {
        ...{ publicId, variables: { a: [1] }, state, now: Date.now(), notBefore: null },
        start: {
          ...{ pipeline, ownerId, variables: {}, queuePartition: null, label: null, trigger: 'manual' },
        },
      }),
    )
    return { publicId, runKey }
  }
  return { db, anna, ben, start }
}

test('runs by pipeline, status and owner, in pages; a search that looks at few goes on', async () => {
  const { db, ben, start } = await world()
  const first = await start('x', 'running')
  const waiting = [await start('x', 'waiting', ben.id), await start('x', 'waiting')]
  await start('y', 'running')
  const list = async (filter: PipelineRunFilter, limit = 10, atMost?: number) => {
    const found: string[] = []
    let pages = 0
    for (let cursor: string | null = null, more = true; more; pages++) {
      const page = await listPipelineRunRows(db, filter, cursor, limit, atMost)
      found.push(...page.rows.map((row) => `${row.pipeline} ${row.status} ${row.position ?? ''}`.trim()))
      cursor = page.nextCursor
      more = cursor !== null
    }
    return { found, pages }
  }
  expect((await list({}, 3)).found).toEqual(['y running', 'x waiting 2', 'x waiting 1', 'x running'])
  expect((await list({ pipeline: 'x', status: ['running'] })).found).toEqual(['x running'])
  expect((await list({ status: ['succeeded'], pipeline: 'x' })).found).toEqual([])
  expect((await list({ ownerId: ben.id })).found).toEqual(['x waiting 1'])
  expect(await list({ ownerId: ben.id }, 1, 2)).toEqual({ found: ['x waiting 1'], pages: 3 })
  expect((await list({ trigger: ['schedule'], since: new Date(0), until: new Date() })).found).toEqual([])
  const row = await findPipelineRun(db, waiting[1]!.publicId)
  expect(row).toMatchObject({ variables: { a: [1] }, tasks: { waiting: 2 }, runningNow: 1, concurrency: 1 })
  expect((await findPipelineRun(db, row!.uuid))!.key).toBe(row!.key)
  expect(await findPipelineRun(db, first.publicId, ben.id)).toBeNull()
  expect((await tasksOfRun(db, first.runKey)).map(({ name, item, attempts }) => [name, item, attempts])).toEqual([
    ...[
      ['b', -1, 0],
      ['a', -1, 0],
    ],
  ])
})

test('pipelines in the order of their bytes, by part of name or description, with what may be seen of their runs', async () => {
  const { db, anna, ben, start } = await world()
  for (const name of ['b', 'B', 'ä', 'a_']) await start(name, 'running')
  const names = async (
    ...[filter, cursor, limit]: Parameters<typeof listPipelineRows> extends [unknown, ...infer Rest] ? Rest : never
  ) => {
    const page = await listPipelineRows(db, filter, cursor, limit)
    return [page.rows.map((row) => row.name).join(' '), page.nextCursor]
  }
  expect(await names({}, null, 3)).toEqual(['B a_ b', 'b'])
  expect(await names({}, 'b', 3)).toEqual(['ä', null])
  expect(await names({ search: '_' }, null, 9)).toEqual(['a_', null])
  expect(await names({ search: '100%' }, null, 9)).toEqual(['B a_ b ä', null])
  expect(await names({ source: 'stored' }, null, 9)).toEqual(['', null])
  await db.query(
    `insert into schedules (public_id, pipeline_id, name, source, owner_id, cron, enabled, high_water, next_at, look_at)
     select n, p.id, n, 'api', $1, '0 3 * * *', n = 'on', now(), at, at
     from pipelines p, (values ('on', '2100-01-02Z'::timestamptz), ('paused', '2100-01-01Z')) s (n, at) where p.name = 'b'`,
    [anna.id],
  )
  const { row } = (await findPipeline(db, 'b', { runsOf: anna.id }))!
  expect(row).toMatchObject({ running: 1, waiting: 0, tasks: 2, lastRun: { status: 'running' }, schedules: 2 })
  expect(row.nextRunAt?.toISOString()).toMatch(/^2100-01-02/)
  expect((await findPipeline(db, 'b', { runsOf: ben.id }))!.row.lastRun).toBeNull()
  expect(await findPipeline(db, 'b', { version: 7 })).toBeNull()
})
