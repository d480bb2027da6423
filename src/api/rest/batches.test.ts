/** Batches over HTTP: seed 001's example, counters, members, who may do what, and the audit rows of all of it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'
import type { Batch } from '../contract/index.ts'

let server: TestServer
let runner: FakeRunner
let anna: Person
let ben: Person
let vera: Person

beforeAll(async () => {
  server = await runningServer()
  runner = await fakeRunner(server.runnerSocket)
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
  vera = await server.person('viewer', 'vera')
})
afterAll(() => server.close())

/** As the seed shows it. */
const nightly = {
  name: 'nightly-ui-suite',
  description: '500 chromium tests',
  jobs: [
    { name: 'test-1', command: ['pytest', 'tests/test_1.py'] },
    { name: 'test-2', command: ['pytest', 'tests/test_2.py'] },
  ],
}

const calls = () => anna.client.calls.batches
const settled = (id: string): Promise<Batch> =>
  until(async () => {
    const batch = await calls().get({ id })
    return batch.ended_at !== null && batch
  }, 'the end of the batch')
const members = (id: string) => anna.client.calls.jobs.list({ batch_id: id, limit: 200 })
const auditOf = async (target: string): Promise<string[]> => {
  const { rows } = await server.db.query<{ line: string }>(
    `select action || ' ' || result as line from audit_log where target = $1 order by id`,
    [target],
  )
  return rows.map((row) => row.line)
}

test('the seed’s batch: made, counted as it runs, over; its members by batch_id; both are in the audit log', async () => {
  const posted = await server.fetch('/job-batches', {
    method: 'POST',
    token: anna.token,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(nightly),
  })
  expect(posted.status).toBe(202)
  const made = (await posted.json()) as Batch
  expect(made).toMatchObject({
    ...{ name: 'nightly-ui-suite', description: '500 chromium tests', owner: 'anna', status: 'waiting' },
    ...{ started_at: null, ended_at: null, forced: false, tests: null, notify: [] },
    counts: { waiting: 2, running: 0, passed: 0, failed: 0, cancelled: 0, total: 2 },
  })
  const first = await runner.claimOne()
  await runner.started(first)
  await until(async () => (await calls().get({ id: made.id })).status === 'running')
  expect((await calls().get({ id: made.id })).counts).toMatchObject({ waiting: 1, running: 1 })
  await runner.finish(first, { state: 'failed', error_class: 'exit', exit_code: 1 })
  await runner.run('fine')
  const over = await settled(made.id)
  expect(over).toMatchObject({ status: 'failed', counts: { passed: 1, failed: 1, total: 2 } })
  const { jobs } = await members(made.id)
  expect(jobs.map((job) => [job.name, job.batch_id, job.batch_index])).toEqual([
    ['test-2', made.id, 1],
    ['test-1', made.id, 0],
  ])
  expect(over.started_at).toBe(jobs.map((job) => job.started_at!).toSorted((a, b) => (a < b ? -1 : 1))[0])
  const failed = await anna.client.calls.jobs.list({ batch_id: made.id, status: ['failed'] })
  expect(failed.jobs.map((job) => job.name)).toEqual(['test-1'])
  expect(await auditOf(`batch:${made.id}`)).toEqual(['batch.submit done'])

  // Again: what failed, and then all.
  const again = await calls().rerun({ id: made.id, only: 'failed' })
  expect(again).toMatchObject({ rerun_of: made.id, counts: { waiting: 1, total: 1 }, name: made.name })
  expect((await members(again.id)).jobs[0]).toMatchObject({ name: 'test-1', rerun_of: jobs[1]!.id })
  await runner.run('')
  expect(await settled(again.id)).toMatchObject({ status: 'passed' })
  await expect(calls().rerun({ id: again.id, only: 'failed' })).rejects.toMatchObject({ code: 'conflict' })
  const whole = await calls().rerun({ id: made.id })
  expect(whole.counts.total).toBe(2)
  await calls().cancel({ id: whole.id })
  const reruns = async (id: string) => (await calls().list({ rerun_of: id, limit: 5 })).batches.map((one) => one.id)
  expect([await reruns(made.id), await reruns(again.id)]).toEqual([[whole.id, again.id], []])

  // Deleted with its jobs; the other stays.
  await calls().delete({ id: made.id })
  await expect(calls().get({ id: made.id })).rejects.toMatchObject({ code: 'not_found' })
  await expect(members(made.id)).rejects.toMatchObject({ code: 'not_found' })
  await expect(anna.client.calls.jobs.get({ id: jobs[0]!.id })).rejects.toMatchObject({ code: 'not_found' })
  expect((await members(again.id)).jobs).toHaveLength(1)
  expect(await auditOf(`batch:${made.id}`)).toEqual([
    ...['batch.submit done', 'batch.rerun done', 'batch.rerun done', 'batch.delete done'],
  ])
})

test('the environment of a member goes into the next batch, sealed for it', async () => {
  const { id } = await calls().create({ name: 'env', jobs: [{ command: ['true'], env: { A: 'b' } }] })
  const again = await calls().rerun({ id, only: 'all' })
  const [job] = (await members(again.id)).jobs
  expect((await anna.client.calls.jobs.get({ id: job!.id })).env).toEqual({ A: 'b' })
  for (const one of [id, again.id]) await calls().cancel({ id: one })
})

test('artefacts come from jobs of one’s own; of what is run again, from those of its owner too', async () => {
  const job = { command: ['true'] }
  const { id: mine } = await anna.client.calls.jobs.submit(job)
  const { id: theirs } = await ben.client.calls.jobs.submit(job)
  const batch = (from: string) => ({ name: 'a', jobs: [job, { ...job, artifacts_from: { build: [mine, from] } }] })
  const field = 'jobs[1].artifacts_from.build[1]'
  const wrong = { field, message: `there is no job ${theirs} of yours` }
  await expect(calls().create(batch(theirs))).rejects.toMatchObject({ code: 'invalid_argument', fields: [wrong] })
  expect((await calls().preview(batch(theirs))).errors).toEqual([wrong])
  const { id } = await calls().create(batch(mine))
  const again = await server.client.calls.batches.rerun({ id, only: 'all' })
  for (const one of [id, again.id]) await server.client.calls.batches.cancel({ id: one })
  for (const one of [mine, theirs]) await server.client.calls.jobs.cancel({ id: one })
  await server.client.calls.jobs.delete({ id: mine }).catch(() => {})
  await server.db.query('delete from jobs where public_id = $1', [mine])
  await expect(calls().rerun({ id, only: 'all' })).rejects.toThrow(`there is no job ${mine} of yours`)
})

test('cancel: what waits at once, what runs by its runner; delete only when it has ended', async () => {
  const { id } = await calls().create({ name: 'c', jobs: Array.from({ length: 4 }, () => ({ command: ['true'] })) })
  await expect(calls().delete({ id })).rejects.toMatchObject({ code: 'conflict' })
  const running = await runner.claimOne()
  await runner.started(running)
  const answer = await calls().cancel({ id, reason: 'enough' })
  expect(answer).toMatchObject({ cancelled: 3, stopping: 1, batch: { cancel_requested: true, status: 'running' } })
  await runner.finish(running, { state: 'cancelled' })
  expect(await settled(id)).toMatchObject({ status: 'cancelled', forced: false, counts: { cancelled: 4 } })
  expect((await members(id)).jobs.map((job) => job.cancel_reason)).toEqual(Array(4).fill('enough'))
  await expect(calls().cancel({ id })).rejects.toMatchObject({ code: 'conflict' })
})

test('force-complete ends it now, while what runs is being killed', async () => {
  const { id } = await calls().create({ name: 'f', jobs: [{ command: ['true'] }, { command: ['true'] }] })
  const running = await runner.claimOne()
  await runner.started(running)
  const done = await calls().complete({ id })
  expect(done).toMatchObject({ status: 'cancelled', forced: true, counts: { running: 1, cancelled: 1 } })
  expect(done.ended_at).not.toBeNull()
  await expect(calls().complete({ id })).rejects.toMatchObject({ code: 'conflict' })
  await expect(calls().delete({ id })).rejects.toMatchObject({ code: 'conflict' })
  await runner.finish(running, { state: 'cancelled' })
  await until(async () => (await calls().get({ id })).counts.cancelled === 2)
  expect((await calls().get({ id })).ended_at).toBe(done.ended_at)
})

test('one wrong member: all wrong ones are named by their place, nothing is made', async () => {
  const before = (await calls().list({})).batches.length
  const wrong = calls().create({
    name: 'w',
    jobs: [{ command: ['true'] }, { command: [] }, { command: ['x'], foo: 1 }],
  })
  const error = await wrong.then(
    () => undefined,
    (thrown: { code: string; fields: { field: string }[] }) => thrown,
  )
  expect(error).toMatchObject({ code: 'invalid_argument' })
  expect(error!.fields.map((problem) => problem.field)).toEqual(['jobs[1].command', 'jobs[2].foo'])
  expect((await calls().list({})).batches).toHaveLength(before)
})

test('a key gives one batch; another body is a conflict', async () => {
  const post = (body: object) =>
    server.fetch('/job-batches', {
      method: 'POST',
      token: anna.token,
      headers: { 'content-type': 'application/json', 'idempotency-key': 'night-1' },
      body: JSON.stringify(body),
    })
  const [one, two] = await Promise.all([post(nightly), post(nightly)])
  const [first, second] = [(await one.json()) as Batch, (await two.json()) as Batch]
  expect(first.id).toBe(second.id)
  expect([one, two].filter((answer) => answer.headers.get('idempotency-replayed') === 'true')).toHaveLength(1)
  expect((await post({ ...nightly, name: 'other' })).status).toBe(409)
  await calls().cancel({ id: first.id })
})

test('another operator’s batch is not there; a viewer sees all and changes nothing; refusals are audited', async () => {
  const { id } = await calls().create(nightly)
  const of = (person: Person) => person.client.calls.batches
  for (const call of [
    () => of(ben).get({ id }),
    () => of(ben).cancel({ id }),
    () => of(ben).complete({ id }),
    () => of(ben).rerun({ id }),
    () => of(ben).delete({ id }),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'not_found' })
  }
  expect((await of(ben).list({})).batches).toEqual([])
  expect((await of(ben).list({ owner: 'anna' })).batches).toEqual([])
  await expect(ben.client.calls.jobs.list({ batch_id: id })).rejects.toMatchObject({ code: 'not_found' })
  expect((await of(vera).get({ id })).id).toBe(id)
  expect((await of(vera).list({ owner: 'anna', name: 'NIGHTLY' })).batches.map((batch) => batch.id)).toContain(id)
  for (const call of [() => of(vera).cancel({ id }), () => of(vera).create(nightly), () => of(vera).rerun({ id })]) {
    await expect(call()).rejects.toMatchObject({ code: 'permission_denied' })
  }
  expect(await auditOf(`batch:${id}`)).toEqual([
    ...['batch.submit done', 'batch.cancel refused', 'batch.complete refused', 'batch.rerun refused'],
    ...['batch.delete refused', 'batch.cancel refused', 'batch.rerun refused'],
  ])
  // An administrator may end what is hers.
  expect((await server.client.calls.batches.cancel({ id })).cancelled).toBe(2)
})

test('checkboxes: each job by itself, each with its own row', async () => {
  const submit = (person: Person) => person.client.calls.jobs.submit({ command: ['true'] })
  const [mine, other, bens] = [await submit(anna), await submit(anna), await submit(ben)]
  const { act } = anna.client.calls.jobs
  const cancelled = await act({ action: 'cancel', ids: [mine.id, bens.id, other.id, mine.id] })
  expect(cancelled.done).toEqual([{ id: mine.id }, { id: other.id }])
  expect(cancelled.refused).toMatchObject([{ id: bens.id, code: 'not_found' }])
  expect((await act({ action: 'cancel', ids: [mine.id] })).refused).toMatchObject([{ code: 'conflict' }])
  const { done } = await act({ action: 'rerun', ids: [mine.id] })
  expect((await anna.client.calls.jobs.get({ id: done[0]!.new_id! })).rerun_of).toBe(mine.id)
  expect((await act({ action: 'delete', ids: [mine.id, other.id] })).done).toHaveLength(2)
  expect(await auditOf(`job:${other.id}`)).toEqual(['job.submit done', 'job.cancel done', 'job.delete done'])
  await expect(vera.client.calls.jobs.act({ action: 'cancel', ids: [bens.id] })).rejects.toMatchObject({
    code: 'permission_denied',
  })
  await act({ action: 'cancel', ids: [done[0]!.new_id!] })
  await ben.client.calls.jobs.cancel({ id: bens.id })
})

test('throughput: one number for every minute, of the jobs that one may see', async () => {
  const sum = async (person: Person) => {
    const { minutes } = await person.client.calls.jobs.throughput({ minutes: 5 })
    expect(minutes).toHaveLength(5)
    return minutes.reduce((all, { passed, failed, cancelled }) => all + passed + failed + cancelled, 0)
  }
  const [before, bens, all] = [await sum(anna), await sum(ben), await sum(vera)]
  await anna.client.calls.jobs.submit({ command: ['true'] })
  await runner.run('')
  expect(await sum(anna)).toBe(before + 1)
  expect(await sum(ben)).toBe(bens)
  expect(await sum(vera)).toBe(all + 1)
})
