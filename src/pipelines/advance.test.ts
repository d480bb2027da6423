/** Runs from start to end over a real database: what tasks are given, what becomes of them, and what nothing can undo. */
import { expect, test } from 'vitest'
import { bad } from '../../test/queue-world.ts'
import { cancelPipelineRun } from './cancel-run.ts'
import { decideTask, requestTaskCancel } from './task-acts.ts'
import { engineWorld } from './testing/engine-world.ts'

const after = (name: string) => ({ depends_on: [name] })

test('a chain in turn: variables, environment and outputs reach the next task', async () => {
  const world = await engineWorld()
  const build = await world.pipeline('build', {
    env: { A: 'pipeline', B: 'pipeline' },
    tasks: {
      a: { script: ['make {{ .what }}'], env: { B: 'task' } },
      b: { ...after('a'), env_from: { FROM: '{{ output "a" "file" }}' } },
      c: { ...after('b'), script: ['{{ output "a" "nothing" }}'] },
    },
  })
  const run = await world.start(build, { variables: { what: 'all of {{ .n }}', n: 3 } })
  await world.work({ a: { outputs: { file: 'a b.tgz' } } })
  expect(world.claimed).toEqual(['a', 'b'])
  expect(world.envOf.get('build/a')).toMatchObject({
    ...{ A: 'pipeline', B: 'task', TASK_NAME: 'a', ARGS: '', RUNYARD_RUN_ID: run.publicId, RUNYARD_PIPELINE: 'build' },
  })
  expect(Object.values(world.envOf.get('build/a')!)).toContain('make all of 3')
  expect(world.envOf.get('build/b')).toMatchObject({ FROM: 'a b.tgz' })
  expect(await world.tasks(run.runKey)).toEqual([
    ...['a done', 'b done'],
    expect.stringMatching(/^c failed script\[0\]:1:4: .*task a has no output "nothing": it has file$/),
  ])
  expect(await world.list(build)).toEqual([expect.stringMatching(/^failed task c: script\[0\]:1:4: /)])
  expect(world.ended).toMatchObject([{ publicId: run.publicId, result: 'failed' }])
})

test('fail-fast: the others are stopped, then on_error is told what failed', async () => {
  const world = await engineWorld({ readOutput: async () => ({ stdout: 'out', stderr: 'err' }) })
  const build = await world.pipeline('build', {
    tasks: { a: {}, b: {}, c: after('b') },
    on_error: {
      script: ['echo {{ .failedTaskName }} {{ .failedTaskExitCode }} {{ .failedTaskStdout }}{{ .failedTaskStderr }}'],
      env: {},
    },
  })
  const run = await world.start(build)
  const [a, b] = await world.worker.claim()
  await world.worker.started(a!, b!)
  await world.worker.finish(a!, bad)
  await world.work()
  expect(await world.row(b!.publicId)).toMatchObject({
    state: 'running',
    cancel_reason: 'task a failed',
  })
  await world.worker.finish(b!)
  await world.work({ on_error: 'bad' })
  expect(await world.tasks(run.runKey)).toEqual([
    ...['a failed its job ended as failed', 'b cancelled cancelled: task a failed'],
    ...['c skipped skipped: task a failed', 'on_error failed its job ended as failed'],
  ])
  expect(Object.values(world.envOf.get('build/on_error')!)).toContain('echo a 1 outerr')
  expect(await world.list(build)).toEqual(['failed task a: its job ended as failed'])
})

test('a fan-out: so many at once, each with its item, outputs as lists, and its own failures', async () => {
  const world = await engineWorld()
  const build = await world.pipeline('build', {
    ...{ continue_running_tasks_after_failure: true, concurrency: 2 },
    tasks: {
      each: {
        for_each: '{{ toJson .files }}',
        max_parallel: 2,
        args: ['{{ .item }}'],
        script: ['x {{ .item_index }}'],
      },
      none: { for_each: [] },
      next: { ...after('each'), env_from: { ALL: '{{ range output "each" "n" }}<{{ . }}>{{ end }}' } },
    },
  })
  const run = await world.start(build, { variables: { files: ['p', 'q', 'r'] } })
  expect((await world.worker.claim({ slots: 10 })).map((job) => job.spec.name)).toEqual([
    'build/each[0]',
    'build/each[1]',
  ])
  for (const job of [...world.worker.held]) {
    await world.worker.started(job)
    await world.finishWith(job, { n: job.spec.name })
  }
  await world.work({ 'each[2]': { outputs: { n: '2' } } })
  expect(world.claimed).toEqual(['each[2]', 'next'])
  expect(world.envOf.get('build/next')).toMatchObject({ ALL: '<build/each[0]><build/each[1]><2>' })
  expect(await world.tasks(run.runKey)).toEqual([
    'each done',
    'each[0] done',
    'each[1] done',
    'each[2] done',
    'none done',
    'next done',
  ])

  const again = await world.start(build, { variables: { files: ['p', 'q', 'r'] } })
  const many = await world.start(build, { variables: { files: Array.from({ length: 10_001 }, () => 1) } })
  await world.work({ 'each[1]': 'bad' })
  expect(await world.tasks(again.runKey)).toEqual([
    'each failed 1 of 3 instances failed; each[1]: its job ended as failed',
    ...['each[0] done', 'each[1] failed its job ended as failed', 'each[2] done'],
    ...['none done', 'next skipped skipped: task each failed'],
  ])
  expect((await world.tasks(many.runKey))[0]).toMatch(/^each failed for_each has 10001 values, at most 10000/)
})

test('a sub-pipeline: its run, its outputs, its failure, its depth', async () => {
  const world = await engineWorld()
  const other = await world.pipeline('other', { tasks: { x: {}, y: after('x') }, concurrency: 20 })
  const build = await world.pipeline('build', {
    concurrency: 20,
    tasks: {
      sub: { script: [], pipeline: { name: 'other', variables: { v: '{{ .w }}!' } } },
      next: { ...after('sub'), env_from: { GOT: '{{ output "sub" "o" }}' } },
    },
  })
  const run = await world.start(build, { variables: { w: 'hello' } })
  await world.work({ y: { outputs: { o: 'of y' } } })
  expect(world.claimed).toEqual(['x', 'y', 'next'])
  expect(world.envOf.get('build/next')).toMatchObject({ GOT: 'of y' })
  expect(await world.list(build)).toEqual(['succeeded'])
  const { rows } = await world.db.query('select variables, depth from pipeline_runs where parent_run_id = $1', [
    run.runKey,
  ])
  expect(rows).toEqual([{ variables: { v: 'hello!' }, depth: 1 }])

  const failed = await world.start(build, { variables: { w: '' } })
  await world.work({ x: 'bad' })
  expect((await world.tasks(failed.runKey))[0]).toMatch(
    /^sub failed its run \w{12} failed: task x: its job ended as failed$/,
  )
  const stopped = await world.start(build, { variables: { w: '' } })
  await world.settle()
  await world.db.tx((tx) => cancelPipelineRun(tx, world.hooks, stopped.runKey, 'enough'))
  await world.work()
  expect((await world.list(build)).at(-1)).toBe('cancelled enough')
  expect((await world.list(other)).at(-1)).toBe('cancelled the run that waits for it was stopped')

  const deep = await world.pipeline('deep', {
    concurrency: 20,
    tasks: { again: { script: [], pipeline: { name: 'deep', variables: {} } } },
  })
  const top = await world.start(deep)
  await world.work()
  expect(await world.list(deep)).toHaveLength(11)
  expect((await world.tasks(top.runKey))[0]).toMatch(/levels deep/)
})

test('people: approve, reject, cancel one task, cancel the run; its place goes to the next', async () => {
  const world = await engineWorld()
  const approval = { message: 'ok?', timeout_ms: 60_000, on_timeout: 'reject' as const }
  const build = await world.pipeline('build', {
    tasks: { ok: { script: [], approval }, a: after('ok'), b: {}, c: after('b') },
  })
  const [one, two, three] = [await world.start(build), await world.start(build), await world.start(build)]
  const decide = (runKey: string, approve: boolean) =>
    world.db.tx((tx) => decideTask(tx, { runKey, name: 'ok', item: -1 }, { approve, by: 'anna', note: null }))
  await world.db.tx((tx) => requestTaskCancel(tx, { runKey: one.runKey, name: 'b', item: -1 }))
  await decide(one.runKey, true)
  await world.work()
  expect(await world.tasks(one.runKey)).toEqual([
    'ok done',
    'a done',
    'b cancelled cancelled',
    'c skipped skipped: task b was cancelled',
  ])
  expect(await world.list(build)).toEqual(['cancelled task b was cancelled', 'running', 'waiting'])
  await decide(two.runKey, false)
  await world.work()
  expect(await world.tasks(two.runKey)).toContain('ok failed rejected by anna')
  await world.db.query(`update run_tasks set started_at = started_at - interval '1 hour' where state = 'approval'`)
  await world.work()
  expect(await world.tasks(three.runKey)).toContain('ok failed nobody decided within 1m')
  await expect(decide(three.runKey, true)).rejects.toThrow(/^task ok timed out at 2\S+Z: nobody can decide any more$/)
})

test('what is broken fails its task and hangs nothing: a queue that is not there, a refused job, a removed one', async () => {
  const world = await engineWorld()
  const build = await world.pipeline('build', {
    ...{ continue_running_tasks_after_failure: true, concurrency: 5 },
    tasks: { a: {}, b: { script: ['{{ .unset }}'], allow_failure: true }, c: {}, d: after('b') },
  })
  const { newJob } = world.hooks
  world.hooks.newJob = (task) => {
    const job = newJob(task)
    return task.name === 'build/c' ? { ...job, spec: { ...job.spec, queue: 'nowhere' } } : job
  }
  const run = await world.start(build)
  await world.worker.claim()
  for (const job of [...world.worker.held]) await world.worker.finish(job)
  await world.db.query('delete from jobs')
  await world.work()
  expect(await world.tasks(run.runKey)).toEqual([
    'a failed its job was removed before its end was noted',
    expect.stringMatching(/^b done script\[0\]:1:4: .*unset/),
    expect.stringMatching(/^c failed there is no queue named nowhere/),
    'd failed its job was removed before its end was noted',
  ])
})
