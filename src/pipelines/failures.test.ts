/** What goes wrong around a run, over a real database: it ends in words that say why, and others do not wait for it. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { aUser } from '../../test/factories.ts'
import { bad } from '../../test/queue-world.ts'
import { AppError } from '../lib/app-error.ts'
import { startService } from '../lib/service.ts'
import { advancing } from './advancing.ts'
import { cancelPipelineRun, cancelWaitingRuns } from './cancel-run.ts'
import { rerunOf } from './rerun-run.ts'
import type { TaskJob } from './run.ts'
import { startRun } from './start-run.ts'
import { approval } from './testing/admission-world.ts'
import { engineWorld, type EngineWorld } from './testing/engine-world.ts'

const after = (...names: string[]) => ({ depends_on: names })
const cancelRun = ({ db, hooks }: EngineWorld, runKey: string) =>
  db.tx((tx) => cancelPipelineRun(tx, hooks, runKey, 'enough'))
/** One look, of which nothing was told. */
async function look({ engine }: EngineWorld): Promise<void> {
  await engine.service.runOnce()
  await engine.idle()
}

test('a time limit of the run: what runs is stopped, what waits in a paused queue too, nothing begins any more', async () => {
  const world = await engineWorld()
  const { newJob } = world.hooks
  world.hooks.newJob = (task) => {
    const job = newJob(task)
    return task.name === 'build/held' ? { ...job, spec: { ...job.spec, queue: 'still' } } : job
  }
  await world.db.query(`insert into queues (name, paused) values ('still', true)`)
  const build = await world.pipeline('build', {
    timeout_ms: 60_000,
    tasks: { a: {}, held: {}, next: after('a') },
    on_error: { script: ['true'], env: {} },
  })
  const run = await world.start(build)
  const [a] = await world.worker.claim()
  await world.worker.started(a!)
  expect(await world.worker.claim()).toEqual([])
  await world.passTime(61)
  await world.settle()
  expect(await world.row(a!.publicId)).toMatchObject({ cancel_reason: 'the run timed out after 1m' })
  await world.worker.finish(a!)
  await world.work()
  expect(await world.tasks(run.runKey)).toEqual([
    ...['a', 'held'].map((name) => `${name} cancelled cancelled: the run timed out after 1m`),
    'next skipped skipped: the run timed out after 1m',
  ])
  expect(await world.list(build)).toEqual(['failed the run timed out after 1m'])
})

test('interruptible: false: neither a cancel nor the failure of another stops what a runner has, both what waits', async () => {
  const world = await engineWorld()
  const tasks = { a: {}, held: { interruptible: false }, late: { interruptible: false } }
  const build = await world.pipeline('build', { tasks, concurrency: 2 })
  const [cancelled, failed] = [await world.start(build), await world.start(build)]
  for (const run of [cancelled, failed]) {
    const jobs = await world.db.query<{ name: string; id: string }>(
      'select name, public_id as id from jobs where run_id = $1',
      [run.runKey],
    )
    await world.db.query(
      `update jobs set priority = 9, rank = rank - 1e6 where run_id = $1 and name not like '%late'`,
      [run.runKey],
    )
    const claimed = await world.worker.claim({ slots: 2 })
    await world.worker.started(...claimed)
    expect(claimed.map((job) => job.spec.name).toSorted()).toEqual(['build/a', 'build/held'])
    if (run === cancelled) await cancelRun(world, run.runKey)
    else
      await world.worker.finish(
        claimed.find((job) => job.spec.name === 'build/a')!,
        bad,
      )
    await world.settle()
    const of = (name: string) => jobs.rows.find((job) => job.name === `build/${name}`)!.id
    expect([await world.state(of('held')), await world.state(of('late'))]).toEqual(['running', 'cancelled'])
    expect(await world.row(of('held'))).toMatchObject({ cancel_requested_at: null })
    for (const job of [...world.worker.held]) await world.worker.finish(job)
  }
  await world.work()
  expect(await world.tasks(cancelled.runKey)).toEqual([
    ...['a cancelled cancelled: the run was cancelled', 'held done', 'late cancelled cancelled: the run was cancelled'],
  ])
  expect((await world.tasks(failed.runKey)).slice(1)).toEqual(['held done', 'late cancelled cancelled: task a failed'])
  expect(await world.list(build)).toEqual(['cancelled enough', 'failed task a: its job ended as failed'])
})

test('artifacts_from: the jobs of all instances in their order; a run that takes over has those of the earlier one', async () => {
  const from = new Map<string, TaskJob['artifactsFrom']>()
  const world = await engineWorld()
  const { newJob } = world.hooks
  world.hooks.newJob = (task) => {
    from.set(task.name, task.artifactsFrom)
    return newJob(task)
  }
  const build = await world.pipeline('build', {
    tasks: {
      each: { for_each: ['x', 'y'] },
      one: {},
      use: { ...after('each', 'one'), artifacts_from: ['each', 'one'] },
    },
  })
  const first = await world.start(build)
  await world.work({ use: 'bad' })
  const { rows } = await world.db.query<{ id: string }>(
    `select public_id as id from jobs where name <> 'build/use' order by name`,
  )
  const jobs = rows.map(({ id }) => id)
  expect(from.get('build/use')).toEqual({ each: jobs.slice(0, 2), one: jobs.slice(2) })
  from.clear()
  const input = { runKey: first.runKey, from: 'failed' as const, ownerId: world.userId, label: null }
  await world.db.tx(async (tx) => startRun(tx, world.hooks, await rerunOf(tx, input)))
  await world.work()
  expect([...from]).toEqual([['build/use', { each: jobs.slice(0, 2), one: jobs.slice(2) }]])
  expect((await world.list(build)).at(-1)).toBe('succeeded')
})

test('a step that always throws: others go on, and after so many failures the run ends in words', async () => {
  const world = await engineWorld({}, { failures: 3, ms: 0 })
  const { newJob } = world.hooks
  world.hooks.newJob = (task) => {
    if (task.name === 'broken/b') throw new TypeError('of undefined')
    return newJob(task)
  }
  const tasks = { a: {}, b: after('a'), long: {}, c: after('b') }
  const [broken, sound] = [
    await world.pipeline('broken', { tasks, on_error: { script: ['true'], env: {} } }),
    await world.pipeline('sound', { tasks }),
  ]
  const [one, next, other] = [await world.start(broken), await world.start(broken), await world.start(sound)]
  const work = async (): Promise<void> => {
    const jobs = await world.worker.claim()
    await world.worker.started(...jobs)
    for (const job of jobs) if (!job.spec.name.endsWith('long')) await world.worker.finish(job)
    world.engine.heard()
    await look(world)
  }
  for (let i = 0; i < 3; i++) await work()
  expect(await world.list(sound)).toEqual(['running'])
  expect((await world.tasks(other.runKey)).slice(0, 3)).toEqual(['a done', 'b done', 'long running'])
  expect(await world.list(broken)).toEqual(['running', 'waiting'])
  await work()
  expect(await world.list(broken)).toEqual([
    expect.stringMatching(/^failed the server could not go on with it: 3 steps failed in \d+ s; its log says why$/),
    'running',
  ])
  expect(await world.tasks(one.runKey)).toEqual([
    ...['a running', 'b waiting', 'long running', 'c waiting'].map(() => expect.stringMatching(/could not go on/)),
  ])
  const { rows } = await world.db.query(
    `select name, state from jobs where run_id = $1 and cancel_requested_at is null and ended_at is null`,
    [one.runKey],
  )
  expect(rows).toEqual([])
  expect(world.errors).toHaveLength(3)
  expect(world.ended.map((run) => run.publicId)).toEqual([one.publicId])
  expect(next.state).toBe('waiting')
})

test('a database that is away or busy is no fault of the run', async () => {
  let away = true
  const world = await engineWorld({}, { failures: 1, ms: 0 })
  const { newJob } = world.hooks
  const build = await world.pipeline('build', { tasks: { a: {}, b: after('a') } })
  await world.start(build)
  world.hooks.newJob = (task) => {
    if (away) throw new AppError('unavailable', 'the database is away for the moment')
    return newJob(task)
  }
  await world.worker.finish(await world.worker.claimOne())
  for (let i = 0; i < 5; i++) {
    world.engine.heard()
    await look(world)
  }
  expect(await world.list(build)).toEqual(['running'])
  expect(world.errors.splice(0)).toHaveLength(5)
  away = false
  await world.work()
  expect(await world.list(build)).toEqual(['succeeded'])
})

test('timers without notices: a start delay, an approval and a run that nobody heard of', async () => {
  const world = await engineWorld()
  const onTime = { message: null, timeout_ms: 400, on_timeout: 'approve' as const }
  const delayed = await world.pipeline('delayed', { start_delay_ms: 300, concurrency: 5 })
  const asks = await world.pipeline('asks', { tasks: { ok: { script: [], approval: onTime }, b: after('ok') } })
  const limited = await world.pipeline('limited', { timeout_ms: 500 })
  const { hooks, errors } = world
  const onError = (_: string, error: unknown): void => void errors.push(error)
  let woken: (ms: number) => void = () => {}
  const engine = advancing(world.db, hooks, { removeLogs: async () => {}, onError, wake: (ms) => woken(ms) })
  await engine.service.runOnce()
  await engine.idle()
  // After its first look; as on another server, whose notices do not arrive.
  const runs = [await world.start(delayed), await world.start(asks), await world.start(limited)]
  await world.db.query(`update pipeline_runs set not_before = not_before + interval '0.2 s'`)
  const later = await world.start(delayed)
  await world.db.query(`update pipeline_runs set not_before = clock_timestamp() + interval '0.1 s' where run_id = $1`, [
    runs[0]!.runKey,
  ])
  const began = performance.now()
  engine.heard()
  const service = startService(engine.service, onError)
  woken = (ms) => service.wake(ms)
  const until = async (condition: string): Promise<void> => {
    const found = async () => (await world.db.query(`select where ${condition}`)).rowCount === 1
    while (!(await found())) {
      if (performance.now() - began > 3000) throw new Error(`in vain: ${condition}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await until(`exists (select from pipeline_runs where run_id = ${runs[0]!.runKey} and state = 'running')`)
  await until(`exists (select from run_tasks where run_id = ${runs[1]!.runKey} and decision = 'timed_out')`)
  await until(`exists (select from pipeline_runs where run_id = ${runs[2]!.runKey} and result = 'failed')`)
  await until(`exists (select from pipeline_runs where run_id = ${later.runKey} and state = 'running')`)
  await service.stop()
  await engine.idle()
  expect(errors).toEqual([])
})

test('a run of another server that nobody told of is found by the next look', async () => {
  const world = await engineWorld()
  const build = await world.pipeline('build', { timeout_ms: 60_000 })
  await world.settle()
  await world.start(build)
  await world.passTime(61)
  await look(world)
  expect(await world.list(build)).toEqual(['running'])
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  vi.advanceTimersByTime(5000)
  await look(world)
  await world.settle()
  expect(await world.list(build)).toEqual(['failed the run timed out after 1m'])
})

test('a pipeline that is deleted while runs wait: those end, what runs goes on to its end, and retention follows', async () => {
  const world = await engineWorld()
  const build = await world.pipeline('build', { tasks: { a: {}, b: after('a') }, retention_count: 1 })
  const [one, two] = [await world.start(build), await world.start(build)]
  await world.db.tx(async (tx) => {
    await tx.query('update pipelines set gone_at = now() where id = $1', [build.pipelineId])
    await cancelWaitingRuns(tx, world.hooks, build.pipelineId, 'its pipeline was deleted')
  })
  await expect(world.start(build)).rejects.toThrow('pipeline build is gone')
  expect(await world.list(build)).toEqual(['running', 'cancelled its pipeline was deleted'])
  await world.work()
  expect(world.claimed).toEqual(['a', 'b'])
  // The newest one stays.
  expect(await world.list(build)).toEqual(['cancelled its pipeline was deleted'])
  expect(world.ended.map(({ publicId }) => publicId)).toEqual([two.publicId, one.publicId])
})

test('whose run it is: with a cap of 0 it waits, disabled it goes on, deleted it is stopped with what waits', async () => {
  const world = await engineWorld()
  const build = await world.pipeline('build', { tasks: { a: {}, b: after('a'), hold: { script: [], approval } } })
  const { id } = await aUser(world.db, { maxRunning: 0 })
  const runs = [await world.start(build, { ownerId: id }), await world.start(build, { ownerId: id })]
  await world.work()
  expect(world.claimed).toEqual([])
  await world.db.query('update users set max_running = 1, disabled_at = now() where id = $1', [id])
  await world.work()
  expect(world.claimed).toEqual(['a', 'b'])
  expect(await world.list(build)).toEqual(['running', 'waiting'])
  await world.db.query('update users set deleted_at = now() where id = $1', [id])
  await world.work()
  expect(await world.list(build)).toEqual(Array.from(runs, () => 'cancelled the account was deleted'))
  expect(world.claimed).toEqual(['a', 'b'])
})
