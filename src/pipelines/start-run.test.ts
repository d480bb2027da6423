/** Runs as they come: started, made to wait, put in the place of others, refused; once per key. */
import { expect, test } from 'vitest'
import { admitWaiting, waitingToAdmit } from './admit-waiting.ts'
import { cancelPipelineRun, cancelWaitingRuns } from './cancel-run.ts'
import { admissionWorld } from './testing/admission-world.ts'
import { definitionOf, storePipeline, taskOf } from './testing/definitions.ts'

test('one runs, one waits, the third is refused and was never there; the place of a cancelled one is free', async () => {
  const world = await admissionWorld()
  const build = await world.pipeline('build', { queue_limit: 1 })
  const first = await world.start(build, { variables: { a: [1, null, 'ü'] }, label: 'neos', trigger: 'schedule' })
  expect(first).toMatchObject({ state: 'running', replaced: null, replayed: false })
  const waiting = await world.start(build)
  expect(waiting.state).toBe('waiting')
  await expect(world.start(build)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: 'pipeline build takes no run now: 1 of 1 runs are running and 1 waits, as many as queue_limit allows',
  })
  const cancel = (runKey: string) => world.db.tx((tx) => cancelPipelineRun(tx, world.hooks, runKey, 'enough'))
  expect(await cancel(waiting.runKey)).toEqual({ pipelineId: build.pipelineId, was: 'waiting' })
  expect(world.ended).toMatchObject([{ publicId: waiting.publicId, result: 'cancelled', pipeline: 'build' }])
  expect(await cancel(waiting.runKey)).toMatchObject({ was: 'ended' })
  const next = await world.start(build)
  expect(await cancel(first.runKey)).toMatchObject({ was: 'running' })
  expect(await world.list(build)).toEqual(['running enough', 'cancelled enough', 'waiting'])
  await world.end(first.runKey)
  await expect(cancel(first.runKey)).rejects.toThrow(`run ${first.publicId} has already ended: succeeded`)
  expect(await admitWaiting(world.db, world.hooks, build.pipelineId)).toBe(1)
  expect(await world.list(build)).toEqual(['succeeded enough', 'cancelled enough', 'running'])
  expect(next.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const { rows } = await world.db.query(
    `select r.kind, r.name, r.size, pr.variables, pr.label, pr.trigger, pr.version_id, t.name as task, t.item, t.position
     from runs r join pipeline_runs pr on pr.run_id = r.id join run_tasks t on t.run_id = r.id where r.id = $1`,
    [first.runKey],
  )
  expect(rows).toEqual([
    {
      ...{ kind: 'pipeline', name: 'build', size: 0, variables: { a: [1, null, 'ü'] }, label: 'neos' },
      ...{ trigger: 'schedule', version_id: build.versionId, task: 'hold', item: -1, position: 0 },
    },
  ])
})

test('replace: the last waiting one ends for it, its variables as the pipeline says', async () => {
  const world = await admissionWorld()
  const sync = await world.pipeline('sync', { queue_strategy: 'replace', variables: 'append' })
  const running = await world.start(sync)
  const first = await world.start(sync, { variables: { todo: ['a'], only: 1 } })
  const second = await world.start(sync, { variables: { todo: ['b'] } })
  expect(second).toMatchObject({ state: 'waiting', replaced: first.publicId })
  const { rows } = await world.db.query('select variables from pipeline_runs where run_id = $1', [second.runKey])
  expect(rows).toEqual([{ variables: { todo: ['a', 'b'], only: 1 } }])
  const replaced = `cancelled replaced by run ${second.publicId}`
  expect(await world.list(sync)).toEqual(['running', replaced, 'waiting'])
  const much = world.start(sync, { variables: { todo: ['x'.repeat(256 * 1024 - 14)] } })
  await expect(much).rejects.toThrow('the variables exceed 256 KiB')
  expect(await world.list(sync)).toEqual(['running', replaced, 'waiting'])

  // The newest definition decides, whatever the runs were made with.
  await world.pipeline('sync', { queue_strategy: 'replace', interrupt_running: true })
  const third = await world.start(sync)
  expect(await world.list(sync)).toEqual([
    `running interrupted by run ${third.publicId}`,
    replaced,
    `cancelled replaced by run ${third.publicId}`,
    'waiting',
  ])
  const asked = await world.db.query('select from runs where id = $1 and cancel_requested_at is not null', [
    running.runKey,
  ])
  expect(asked.rowCount).toBe(1)
})

test('a start delay: waits for its end, then starts, or interrupts what runs', async () => {
  const world = await admissionWorld()
  const parts = { queue_strategy: 'replace' as const, start_delay_ms: 10_000, interrupt_running: true }
  const mail = await world.pipeline('mail', parts)
  const admitted = () => admitWaiting(world.db, world.hooks, mail.pipelineId)
  await world.start(mail)
  expect(await admitted()).toBe(0)
  const { pipelineIds, nextMs } = await waitingToAdmit(world.db)
  expect(pipelineIds).toEqual([])
  expect(nextMs).toBeGreaterThan(5_000)
  await world.passTime(10)
  expect((await waitingToAdmit(world.db)).pipelineIds).toEqual([mail.pipelineId])
  expect(await admitted()).toBe(1)
  const second = await world.start(mail)
  expect(await admitted()).toBe(0)
  expect(await world.list(mail)).toEqual(['running', 'waiting'])
  await world.db.query(`update pipeline_runs set not_before = not_before - interval '10 s' where run_id = $1`, [
    second.runKey,
  ])
  await world.db.query(`update pipeline_runs set admitted_at = admitted_at - interval '5 s' where state = 'running'`)
  expect(await admitted()).toBe(0)
  expect(await world.list(mail)).toEqual([`running interrupted by run ${second.publicId}`, 'waiting'])
})

test('once per idempotency key and per task of a parent, also when both come at once; never of what is gone', async () => {
  const world = await admissionWorld()
  const build = await world.pipeline('build', { concurrency: 5 })
  const other = world.secondDb()
  const idempotency = { key: 'k', bodyHash: Buffer.from('a') }
  const twice = await Promise.all([world.start(build, { idempotency }), world.start(build, { idempotency }, other)])
  expect(twice[0].publicId).toBe(twice[1].publicId)
  expect(new Set(twice.map((run) => run.replayed))).toEqual(new Set([false, true]))
  await expect(world.start(build, { idempotency: { key: 'k', bodyHash: Buffer.from('b') } })).rejects.toMatchObject({
    code: 'conflict',
  })
  const child = {
    parent: { runKey: twice[0].runKey, task: 't', item: 3, depth: 1 },
    trigger: 'pipeline' as const,
  }
  const children = await Promise.all([world.start(build, child), world.start(build, child, other)])
  expect(children[0].runKey).toBe(children[1].runKey)
  const deep = { ...child, parent: { ...child.parent, item: 4, depth: 11 } }
  await expect(world.start(build, deep)).rejects.toThrow('does it start itself?')
  await world.pipeline('build', { concurrency: 2 })
  const below = { trigger: 'pipeline' as const, parent: { runKey: children[0].runKey, task: 't', item: -1, depth: 2 } }
  await expect(world.start(build, below)).rejects.toThrow('raise its concurrency above 2')
  expect(await world.list(build)).toEqual(['running', 'running'])
  const delayed = await world.pipeline('delayed', { start_delay_ms: 1000 })
  await world.start(delayed)
  await world.start(delayed)
  const removed = world.db.tx((tx) => cancelWaitingRuns(tx, world.hooks, delayed.pipelineId, 'it was removed'))
  expect(await removed).toBe(2)
  expect(await world.list(delayed)).toEqual(['cancelled it was removed', 'cancelled it was removed'])
  await world.db.query('update pipelines set gone_at = now()')
  await expect(world.start(build)).rejects.toThrow('pipeline build is gone')
})

test('of 10,000 tasks: made in a moment', async () => {
  const world = await admissionWorld()
  const tasks = Array.from({ length: 10_000 }, (_, i) => taskOf(`t${i}`))
  const large = await storePipeline(world.db, 'large', { ...definitionOf({ start_delay_ms: 1000 }), tasks })
  const begun = performance.now()
  const { runKey } = await world.start(large)
  // 60 ms on a quiet machine.
  expect(performance.now() - begun).toBeLessThan(2_000)
  const { rows } = await world.db.query(
    `select count(*)::int as n, max(position) as last from run_tasks where state = 'waiting' and run_id = $1`,
    [runKey],
  )
  expect(rows).toEqual([{ n: 10_000, last: 9_999 }])
})
