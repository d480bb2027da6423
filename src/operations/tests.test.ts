/** Test cases on their way from a runner's finish to those who ask. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../test/fake-runner.ts'
import { runningServer, type TestServer } from '../../test/running-server.ts'
import { ReportResult, TestStatus } from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import { testLimits } from '../job/test-report.ts'

let server: TestServer
let runner: FakeRunner
beforeAll(async () => {
  server = await runningServer()
  runner = await fakeRunner(server.runnerSocket)
})
afterAll(() => server.close())

const totals = { total: 2, passed: 1, failed: 1, skipped: 0, durationMs: 30 }
const cases = [
  { suite: 's', name: 'bad', status: TestStatus.FAILED, durationMs: 20, message: 'why' },
  { suite: 's', name: 'good', status: TestStatus.PASSED, durationMs: 10 },
]
const outcomeJson = JSON.stringify({ state: 'failed', error_class: 'exit', exit_code: 1 })

test('they stand with the job, the batch and across batches, for those who may see them', async () => {
  const { batches, jobs, testInsights } = server.client.calls
  const batch = await batches.create({ name: 'nightly', jobs: [{ command: ['true'], junit: ['r.xml'] }] })
  expect(batch.tests).toBeNull()
  const { ref } = await runner.claimOne()
  const report = { ref, outcomeJson, logLength: 0n, log: new Uint8Array(), tests: { ...totals, cases } }
  const finished = await runner.rpc.finish({ ...runner.who, reports: [report] })
  expect(finished.results).toEqual([ReportResult.ACCEPTED])
  const counts = { total: 2, passed: 1, failed: 1, skipped: 0, duration_ms: 30 }
  expect((await batches.get({ id: batch.id })).tests).toEqual(counts)
  const [job] = (await jobs.list({ batch_id: batch.id })).jobs
  expect(job).toMatchObject({ tests: counts, junit: ['r.xml'] })
  expect(await batches.tests({ id: batch.id, limit: 1 })).toEqual({
    counts,
    tests: [
      {
        suite: 's',
        name: 'bad',
        status: 'failed',
        duration_ms: 20,
        message: 'why',
        job_id: job!.id,
        job_name: job!.name,
        attempt: 1,
      },
    ],
    next_cursor: expect.any(String),
  })
  const failing = await testInsights({ order: 'failing', batch: 'nightly' })
  expect(failing.tests).toMatchObject([{ name: 'bad', runs: 1, failed: 1, last_job_id: job!.id }])
  await expect(batches.tests({ id: 'zzzzzzzzzzzz' })).rejects.toThrow('no such batch')
  // Told again, because the answer was lost.
  const again = await runner.rpc.finish({ ...runner.who, reports: [report] })
  expect(again.results).toEqual([ReportResult.STALE])
})

test('a runner that sends more than may be is refused', async () => {
  await server.client.calls.jobs.submit({ command: ['true'], junit: ['r.xml'] })
  const { ref } = await runner.claimOne()
  const send = (tests: object) =>
    runner.rpc.finish({ ...runner.who, reports: [{ ref, outcomeJson, logLength: 0n, tests: { ...totals, ...tests } }] })
  const long = { ...cases[0]!, name: 'n'.repeat(testLimits.nameLetters + 1) }
  await expect(send({ cases: [long] })).rejects.toThrow('tests.cases.0.name')
  await expect(send({ cases: Array(testLimits.cases + 1).fill(cases[0]) })).rejects.toThrow('tests.cases')
  await expect(send({ cases: [{ ...cases[0], status: TestStatus.UNSPECIFIED }] })).rejects.toThrow('status')
  await expect(send({ cases, durationMs: Number.NaN })).rejects.toThrow('tests.durationMs')
})
