/** The seed's four calls, as a client that knows nothing but the seed's text sees them. */
import { Code, ConnectError, type Client } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { secureServer, type SecureServer } from '../../../test/secure-server.ts'
import { JobService } from './gen/job_service_pb.js'

let server: SecureServer
let runner: FakeRunner
let admin: Client<typeof JobService>
let viewer: Client<typeof JobService>
let operator: Client<typeof JobService>
beforeAll(async () => {
  server = await secureServer()
  runner = await fakeRunner(server.runnerSocket)
  admin = await person('admin', 'ada')
  viewer = await person('viewer', 'vera')
  operator = await person('operator', 'otto')
})
afterAll(() => server.close())

const person = async (role: 'admin' | 'operator' | 'viewer', name: string) =>
  server.as(JobService, await server.issue(role, name))

async function refusal(call: Promise<unknown>): Promise<[Code, string]> {
  const error = await call.then(
    () => Promise.reject(new Error('it was not refused')),
    (e: unknown) => ConnectError.from(e),
  )
  return [error.code, error.rawMessage]
}

async function outputOf(client: Client<typeof JobService>, jobId: string) {
  const out: Uint8Array[] = []
  const err: Uint8Array[] = []
  for await (const { stdout, stderr } of client.subscribeOutput({ jobId })) {
    out.push(stdout)
    err.push(stderr)
  }
  return { stdout: Buffer.concat(out).toString('latin1'), stderr: Buffer.concat(err).toString('latin1') }
}

const started = async (command: string) => ({ jobId: (await admin.start({ command })).jobId })
const good = { state: 'succeeded', exit_code: 0, remaining_processes: 0 } as const

test('start, status, live output and the end, in the seed’s words', async () => {
  const { jobId } = await admin.start({ command: 'echo', args: ['Hello World'] })
  expect(jobId).toMatch(/^[0-9a-z]{12}$/)
  expect((await viewer.queryStatus({ jobId })).status).toBe('queued')
  // Before there is an attempt: the stream waits for it.
  const live = outputOf(viewer, jobId)
  const assignment = await runner.claimOne()
  expect(JSON.parse(assignment.specJson)).toMatchObject({ command: ['echo', 'Hello World'] })
  await runner.started(assignment)
  expect(await viewer.queryStatus({ jobId })).toMatchObject({ jobId, status: 'running' })
  await runner.write(assignment, 'Hello World\n')
  await runner.write(assignment, '\0\u0001 err', 'stderr')
  await runner.write(assignment, 'more')
  await runner.finish(assignment, good)
  const all = { stdout: 'Hello World\nmore', stderr: '\0\u0001 err' }
  expect(await live).toEqual(all)
  expect((await viewer.queryStatus({ jobId })).status).toBe('completed')
  expect(await outputOf(admin, jobId)).toEqual(all)
})

test('the words for every way to end', async () => {
  const ended = async (outcome: object) => {
    const { jobId } = await admin.start({ command: 'x' })
    await runner.run('', outcome as never)
    return (await admin.queryStatus({ jobId })).status
  }
  expect(await ended({ state: 'failed', exit_code: 1, error_class: 'exit', remaining_processes: 0 })).toBe('failed')
  expect(await ended({ state: 'timed_out', error_class: 'timeout', remaining_processes: 0 })).toBe('failed')
  expect(await ended({ state: 'oom_killed', error_class: 'oom', remaining_processes: 0 })).toBe('failed')
})

test('stop answers as data, and only a job that ended by itself is an error', async () => {
  const waiting = await started('x')
  expect(await admin.stop(waiting)).toMatchObject({ status: 'stopped' })
  expect((await admin.queryStatus(waiting)).status).toBe('terminated')
  expect(await admin.stop(waiting)).toMatchObject({ status: 'stopped', message: 'the job was stopped before' })

  const running = await started('sleep')
  const assignment = await runner.claimOne()
  await runner.started(assignment)
  // Durable, and nobody waits for the process tree.
  expect(await admin.stop(running)).toMatchObject({ status: 'stopped', message: 'the job is being stopped' })
  expect((await admin.queryStatus(running)).status).toBe('running')
  expect(await admin.stop(running)).toMatchObject({ status: 'stopped' })
  await runner.finish(assignment, { state: 'cancelled', remaining_processes: 0 } as never)
  expect((await admin.queryStatus(running)).status).toBe('terminated')

  const done = await started('true')
  await runner.run('')
  expect(await admin.stop(done)).toMatchObject({ status: 'error', message: 'the job has ended already: completed' })
})

const lookAlikes = [
  '000000000000',
  '',
  'ABCDEFGHIJKL',
  ' 00000000000',
  '0000000000\u0430\u0430',
  '../../../../x',
  '\0'.repeat(12),
  "' or 1=1 --",
  'x'.repeat(100_000),
]

test('an id of no job: not found as data for Stop, NOT_FOUND for the others', async () => {
  for (const jobId of lookAlikes) {
    expect(await admin.stop({ jobId })).toMatchObject({ status: 'not found' })
    expect((await refusal(admin.queryStatus({ jobId })))[0]).toBe(Code.NotFound)
    expect((await refusal(outputOf(admin, jobId)))[0]).toBe(Code.NotFound)
    expect((await refusal(viewer.stop({ jobId })))[0]).toBe(Code.PermissionDenied)
  }
})

test('an operator’s job is there for its owner, the administrators and the viewers', async () => {
  const { jobId } = await admin.start({ command: 'true' })
  expect((await refusal(operator.queryStatus({ jobId })))[0]).toBe(Code.NotFound)
  expect((await refusal(outputOf(operator, jobId)))[0]).toBe(Code.NotFound)
  expect(await operator.stop({ jobId })).toMatchObject({ status: 'not found' })
  expect((await admin.queryStatus({ jobId })).status).toBe('queued')
  const own = { jobId: (await operator.start({ command: 'true' })).jobId }
  expect((await viewer.queryStatus(own)).status).toBe('queued')
  expect(await operator.stop(own)).toMatchObject({ status: 'stopped' })
  await admin.stop({ jobId })
})

test('a viewer looks and changes nothing; every refusal has its row', async () => {
  const vito = await person('viewer', 'vito')
  const { jobId } = await admin.start({ command: 'true' })
  expect((await refusal(vito.start({ command: 'true' })))[0]).toBe(Code.PermissionDenied)
  expect((await refusal(vito.stop({ jobId })))[0]).toBe(Code.PermissionDenied)
  expect((await refusal(vito.start({ command: '' })))[0]).toBe(Code.InvalidArgument)
  expect((await vito.queryStatus({ jobId })).status).toBe('queued')
  const rows = ['job.submit refused', 'job.cancel refused', 'CALL /JobService/Start refused']
  expect(await server.auditOf('vito')).toEqual(rows)
  await admin.stop({ jobId })
})

test('what is wrong with a command is said in the seed’s fields', async () => {
  expect(await refusal(admin.start({}))).toEqual([Code.InvalidArgument, 'command: the program name must not be empty'])
  expect(await refusal(admin.start({ command: ' ', args: ['x'] }))).toEqual([
    Code.InvalidArgument,
    'command: the program name must not be empty',
  ])
  expect(await refusal(admin.start({ command: 'a\0' }))).toEqual([
    Code.InvalidArgument,
    'command: must not contain a NUL character',
  ])
  expect(await refusal(admin.start({ command: 'a', args: ['b', 'x'.repeat(128 * 1024)] }))).toEqual([
    Code.InvalidArgument,
    'args[1]: one argument is at most 131071 bytes',
  ])
  const [code] = await refusal(admin.start({ command: 'a', args: ['x'.repeat(5 * 1024 * 1024)] }))
  expect(code).toBe(Code.ResourceExhausted)
})
