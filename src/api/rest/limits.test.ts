/** Limits over HTTP: suggested by past use, and grown after a kill for memory. Who may. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'
import type { Outcome } from '../../job/outcome.ts'
import type { JobSpecInput } from '../../job/spec.ts'
import { definitionOf, storePipeline } from '../../pipelines/testing/definitions.ts'

const MiB = 2 ** 20
let server: TestServer
let runner: FakeRunner
let anna: Person
let ben: Person
let vera: Person

beforeAll(async () => {
  server = await runningServer({ RUNYARD_MAX_MEMORY_BYTES: '1g', RUNYARD_DEFAULT_MEMORY_BYTES: '128m' })
  runner = await fakeRunner(server.runnerSocket)
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
  vera = await server.person('viewer', 'vera')
})
afterAll(() => server?.close())

const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()
/** Of ten seconds that lie behind. */
const used = (mib: number, cores: number): Outcome => ({
  ...{ state: 'succeeded', exit_code: 0, remaining_processes: 0, started_at: at(-10), ended_at: at(0) },
  usage: { memory_peak_bytes: mib * MiB, cpu_ms: cores * 10_000 },
})
const suggest = (who: Person, query: Parameters<typeof who.client.calls.limits.suggest>[0]) =>
  who.client.calls.limits.suggest(query)
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: { code: string; message: string }) => error,
  )
/** As if they had run for ten seconds: an attempt is not shorter than since it was leased. */
const tenSeconds = () =>
  server.db.query(`update attempts set started_at = ended_at - interval '10 seconds' where ended_at is not null`)

test('limits are suggested for what repeats: a name, an event, a task, and whatever a job is of', async () => {
  const limits = { memory_bytes: 1024 * MiB, cpu: 1 }
  const ids: string[] = []
  for (let i = 0; i < 5; i++) {
    ids.push((await anna.client.calls.jobs.submit({ command: ['make'], name: 'build', limits })).id)
    await runner.run('', used(100 + i, 0.5))
  }
  await anna.client.calls.jobs.submit({ command: ['make'], name: 'other' })
  await runner.run('', used(900, 2))
  await tenSeconds()
  const found = await suggest(anna, { name: 'build' })
  expect(found).toEqual({
    ...{ of: 'jobs named build', attempts: 5, since: expect.any(String) },
    memory: {
      ...{ p95: 104 * MiB, most: 104 * MiB, limit: 1024 * MiB, suggested: 144 * MiB, hint: 'high', oom_kills: 0 },
      text: 'its memory limit is 1 GiB; 95 % of its attempts use 104 MiB at most: 144 MiB would do',
    },
    cpu: { p95: 0.5, most: 0.5, limit: 1, suggested: 0.7, hint: null, text: null },
  })
  expect(await suggest(anna, { job: ids[2]! })).toEqual(found)
  expect(await suggest(vera, { job: ids[2]! })).toEqual(found)
  expect(await suggest(vera, { name: 'build', owner: 'anna' })).toEqual(found)
  expect(await suggest(anna, { name: 'other' })).toMatchObject({ attempts: 1, memory: null, cpu: null })
  // Another's jobs are not there.
  expect(await suggest(ben, { name: 'build' })).toMatchObject({ attempts: 0, since: null, memory: null })
  for (const query of [{ name: 'build', owner: 'anna' }, { name: 'build', owner: 'nobody' }, { job: ids[0] }]) {
    expect(await refusal(suggest(ben, query))).toMatchObject({ code: 'not_found' })
  }

  await anna.client.calls.events.create({
    ...{ name: 'nightly', status: 'active' },
    definition: { kind: 'bash', script: 'true', incident_channels: [] },
  })
  const taskRetry = { attempts: 2, backoff_ms: 0, factor: 1, max_backoff_ms: 0, memory_factor: 3 }
  await storePipeline(server.db, 'release', definitionOf({ tasks: { test: { retry: taskRetry } }, concurrency: 9 }))
  for (let i = 0; i < 5; i++) {
    const run = await anna.client.calls.events.run({ event: 'nightly' })
    await runner.run('', used(200, 0.5))
    ids.push(run.job_id!)
    await anna.client.calls.pipelines.start({ name: 'release', variables: {} })
    await runner.run('', used(120, 0.5))
  }
  await tenSeconds()
  const nightly = await suggest(anna, { event: 'nightly' })
  expect(nightly).toMatchObject({ of: 'event nightly', attempts: 5, memory: { p95: 200 * MiB, hint: 'tight' } })
  expect(await suggest(anna, { job: ids.at(-1)! })).toEqual(nightly)
  const task = await suggest(anna, { pipeline: 'release', task: 'test' })
  expect(task).toMatchObject({ of: 'task test of pipeline release', attempts: 5, memory: { p95: 120 * MiB } })
  const jobs = await anna.client.calls.jobs.list({ limit: 1 })
  expect(await suggest(anna, { job: jobs.jobs[0]!.id })).toEqual(task)
  expect(jobs.jobs[0]!.retry).toMatchObject({ memory_factor: 3 })
  expect(await suggest(ben, { pipeline: 'release', task: 'test' })).toMatchObject({ attempts: 0 })
  expect(await refusal(suggest(ben, { event: 'nightly' }))).toMatchObject({ code: 'not_found' })
  expect(await refusal(suggest(anna, { pipeline: 'none', task: 'x' }))).toMatchObject({ code: 'not_found' })
  for (const query of [
    {},
    { name: 'a', event: 'b' },
    { pipeline: 'release' },
    { task: 'x' },
    { event: 'e', owner: 'b' },
  ]) {
    expect(await refusal(suggest(anna, query))).toMatchObject({ code: 'invalid_argument' })
  }
  const answers = await Promise.all(
    ['name=%00', 'pipeline=%00&task=%00', 'event=%00', 'job=%00', 'name=a&x=1'].map((query) =>
      server.fetch(`/jobs/suggested-limits?${query}`, { token: anna.token }),
    ),
  )
  for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(400)
  for (const { status } of answers) expect(status).toBeLessThan(500)
})

test('after a kill for memory the next attempt has more, up to the administrator’s maximum', async () => {
  const killed: Outcome = { state: 'oom_killed', error_class: 'oom', message: 'killed', remaining_processes: 0 }
  const submit = (spec: Partial<JobSpecInput>) => anna.client.calls.jobs.submit({ command: ['x'], ...spec })
  const retry = { backoff_seconds: 0, jitter: 0, memory_factor: 4 }
  const { id } = await submit({ max_attempts: 4, retry })
  const limits: (number | undefined)[] = []
  for (let i = 0; i < 4; i++) {
    const assignment = await runner.claimOne()
    limits.push(JSON.parse(assignment.limitsJson).memory_bytes / MiB)
    await runner.finish(assignment, killed)
  }
  expect(limits).toEqual([128, 512, 1024, 1024])
  await until(async () => (await anna.client.calls.jobs.get({ id })).state === 'oom_killed')
  const { attempts } = await anna.client.calls.jobs.attempts({ id })
  expect(attempts.map(({ limits: held, result }) => [held.memory_bytes! / MiB, result?.message])).toEqual([
    [128, 'killed; next attempt with 512 MiB'],
    [512, 'killed; next attempt with 1 GiB'],
    [1024, 'killed; 1 GiB is all that it may have'],
    [1024, 'killed'],
  ])
  const job = await anna.client.calls.jobs.get({ id })
  expect([job.limits, job.effective_limits.memory_bytes]).toEqual([undefined, 1024 * MiB])
  // Done again it is the same work, from the same beginning.
  const again = await anna.client.calls.jobs.rerun({ id })
  expect(again.effective_limits.memory_bytes).toBe(128 * MiB)
  await runner.run('')
  const beyond = await refusal(submit({ retry: { memory_factor: 2, memory_max_bytes: 2048 * MiB } }))
  expect(beyond).toMatchObject({
    code: 'invalid_argument',
    fields: [{ field: 'retry.memory_max_bytes', message: 'at most 1073741824 on this server' }],
  })
})
