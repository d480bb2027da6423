/** Schedules through a whole server: who may, what is refused, and a tick that becomes a run. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runningServer, type TestServer } from '../../test/running-server.ts'
import { until } from '../../test/until.ts'
import { definitionOf, storePipeline } from '../pipelines/testing/definitions.ts'
import { schedulesChanged } from '../schedules/sync-file-schedules.ts'

let server: TestServer
beforeAll(async () => {
  server = await runningServer()
  await storePipeline(server.db, 'nightly', definitionOf())
})
afterAll(() => server.close())

/** As if the clock had gone on: its next tick was a second ago. */
const makeDue = (id: string) =>
  server.db.query(
    `update schedules set starts_at = t, next_at = t, look_at = t
     from (select date_trunc('milliseconds', clock_timestamp()) - interval '10 ms' as t) n where public_id = $1`,
    [id],
  )
const outcomes = async (id: string): Promise<unknown[]> => {
  const { ticks } = await server.client.calls.schedules.ticks({ id })
  return ticks.map(({ outcome, reason }) => [outcome, reason])
}

test.concurrent('a tick starts a run in the name of the owner, until they may not any more', async () => {
  const { username, client } = await server.person('operator')
  const made = await client.calls.schedules.create({ pipeline: 'nightly', name: 'often', every_seconds: 3600 })
  expect(made).toMatchObject({ owner: username, source: 'api', misfire: 'run_once', overlap: 'queue', enabled: true })
  await makeDue(made.id)
  await until(async () => (await outcomes(made.id)).length === 1)
  const { ticks } = await client.calls.schedules.ticks({ id: made.id })
  const run = await client.calls.pipelineRuns.get({ id: ticks[0]!.run_id! })
  expect(run).toMatchObject({ pipeline: 'nightly', trigger: 'schedule', owner: username })

  await server.client.calls.users.change({ username, role: 'viewer' })
  await makeDue(made.id)
  await until(async () => (await outcomes(made.id)).length === 2)
  const words = `${username} (viewer) may not start pipelines any more`
  expect((await outcomes(made.id))[0]).toEqual(['refused', words])
  expect((await server.client.calls.schedules.get({ id: made.id })).problem).toBe(words)
})

test.concurrent('cancel_running: the run of the tick before is cancelled, and the audit log says by what', async () => {
  const { calls } = server.client
  await storePipeline(server.db, 'swept', definitionOf())
  const policy = { every_seconds: 3600, overlap: 'cancel_running' as const }
  const { id } = await calls.schedules.create({ pipeline: 'swept', name: 'often', ...policy })
  const runs = async () => (await calls.pipelineRuns.list({ pipeline: 'swept', limit: 10 })).runs
  await makeDue(id)
  await until(async () => (await runs()).length === 1)
  await makeDue(id)
  await until(async () => (await runs()).map(({ status }) => status).join() === 'running,cancelled')
  const [, first] = await runs()
  const { rows } = await server.db.query(
    `select detail->>'reason' as reason, detail->>'schedule' as schedule from audit_log where target = $1`,
    [`pipeline_run:${first!.id}`],
  )
  expect(rows).toEqual([{ reason: 'the next tick of schedule often came', schedule: id }])
})

test('who may not, may not; names what is wrong', async () => {
  const { client } = await server.person('operator')
  const other = await server.person('operator')
  const viewer = await server.person('viewer')
  const input = { pipeline: 'nightly', name: 'mine', cron: '30 2 * * *', zone: 'America/New_York' }
  await expect(viewer.client.calls.schedules.create(input)).rejects.toThrow(/may see schedules/)
  await expect(client.calls.schedules.create({ ...input, cron: '61 * * * *' })).rejects.toThrow(/cron: cannot be read/)
  await expect(client.calls.schedules.create({ ...input, every_seconds: 60 })).rejects.toThrow(/either/)
  await expect(client.calls.schedules.create({ ...input, pipeline: 'none' })).rejects.toThrow(/names no pipeline/)
  const { id } = await client.calls.schedules.create(input)
  await expect(client.calls.schedules.create(input)).rejects.toThrow(/is taken/)
  await expect(other.client.calls.schedules.change({ id, enabled: false })).rejects.toThrow(/only operator-\d+ and/)
  await expect(other.client.calls.schedules.delete({ id })).rejects.toThrow(/only operator/)
  const changed = await client.calls.schedules.change({ id, every_seconds: 600 })
  expect(changed).toMatchObject({ cron: null, every_seconds: 600 })
  const listed = await viewer.client.calls.schedules.list({ pipeline: 'nightly', search: 'MIN' })
  expect(listed.schedules.map(({ name }) => name)).toEqual(['mine'])
  await client.calls.schedules.delete({ id })
  await expect(client.calls.schedules.get({ id })).rejects.toThrow(/no such schedule/)
})

test('a preview shows the clocks of the zone', async () => {
  const { times } = await server.client.calls.schedules.preview({
    ...{ cron: '30 2 * * *', zone: 'America/New_York', count: 2, after: '2026-03-07T12:00:00Z' },
  })
  expect(times).toEqual([
    { at: '2026-03-08T07:00:00.000Z', local: 'Sun 2026-03-08 03:00 UTC-4' },
    { at: '2026-03-09T06:30:00.000Z', local: 'Mon 2026-03-09 02:30 UTC-4' },
  ])
})

test('schedules of a file follow it; a pause holds until the file says otherwise', async () => {
  const { calls } = server.client
  const { pipelineId } = await storePipeline(server.db, 'filed', definitionOf())
  const one = {
    ...{ name: 'default', cron: '0 3 * * *', every_seconds: null, zone: 'UTC', misfire: 'run_once' as const },
    ...{
      catch_up_seconds: 3600,
      catch_up_limit: 7,
      overlap: 'queue' as const,
      variables: {},
      enabled: true,
      late_after_seconds: null,
    },
  }
  const follow = async (...schedules: (typeof one)[]) => {
    await server.db.tx((tx) => schedulesChanged(tx, pipelineId, { schedules }))
    return (await calls.schedules.list({ pipeline: 'filed' })).schedules
  }
  const [made] = await follow(one)
  expect(made).toMatchObject({ source: 'file', owner: server.admin.username, enabled: true, catch_up_limit: 7 })
  const id = made!.id
  await calls.schedules.change({ id, enabled: false })
  expect(await follow({ ...one, zone: 'Asia/Kathmandu' })).toMatchObject([
    { id, enabled: false, zone: 'Asia/Kathmandu' },
  ])
  await expect(calls.schedules.change({ id, zone: 'UTC' })).rejects.toThrow(/changed in the file/)
  await expect(calls.schedules.delete({ id })).rejects.toThrow(/delete it there/)
  expect(await follow({ ...one, enabled: false })).toMatchObject([{ enabled: false }])
  expect(await follow(one)).toMatchObject([{ enabled: true }])
  expect(await follow()).toEqual([])
})

test.concurrent('an event: a tick begins a run of it, the next one cancels that, and who waits for its end begins too', async () => {
  const { username, client } = await server.person('operator')
  const { calls } = client
  const definition = { kind: 'bash' as const, script: 'sleep 60', input: { mine: true } }
  const made = await calls.events.create({ name: 'sweep', status: 'active', definition })
  await calls.events.create({
    ...{ name: 'after sweep', status: 'active' },
    definition: { ...definition, after: [{ event: 'sweep', on: ['cancelled'] }] },
  })
  const policy = { every_seconds: 3600, overlap: 'cancel_running' as const, input: { n: 1 } }
  const schedule = await calls.schedules.create({ event: 'sweep', name: 'often', ...policy })
  expect(schedule).toMatchObject({
    pipeline: null,
    event: { id: made.id, name: 'sweep' },
    owner: username,
    input: { n: 1 },
  })
  const runs = async (event: string) => (await calls.eventRuns.list({ event, limit: 10 })).runs
  for (const n of [1, 2]) {
    await makeDue(schedule.id)
    await until(async () => (await runs('sweep')).length === n)
  }
  await until(async () => (await runs('after sweep')).length === 1)
  const [second, first] = await runs('sweep')
  expect(first).toMatchObject({ state: 'cancelled', trigger: 'schedule', cause: { schedule_id: schedule.id } })
  expect(second).toMatchObject({ state: 'queued' })
  expect((await calls.eventRuns.get({ id: second!.id })).input).toMatchObject({ json: { n: 1 } })
  expect((await runs('after sweep'))[0]).toMatchObject({ trigger: 'event', depth: 1, cause: { run_id: first!.id } })

  await calls.events.change({ event: 'sweep', status: 'paused' })
  const paused = await calls.schedules.get({ id: schedule.id })
  expect(paused).toMatchObject({ next_at: null, problem: 'event sweep is paused: nothing starts until it is active' })
  const stranger = await server.person('operator')
  await expect(stranger.client.calls.schedules.get({ id: schedule.id })).rejects.toThrow('no such schedule')
  expect((await stranger.client.calls.schedules.list({ event: made.id, limit: 10 })).schedules).toEqual([])
  const ask = { event: 'sweep', name: 'mine', every_seconds: 60 }
  await expect(stranger.client.calls.schedules.create(ask)).rejects.toThrow('no such event')
  await expect(calls.schedules.create({ ...ask, pipeline: 'nightly' })).rejects.toThrow(
    'exactly one of pipeline and event',
  )
  await calls.schedules.delete({ id: schedule.id })
})
