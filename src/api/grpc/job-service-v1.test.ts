/** `runyard.v1.JobService`: what is asked for, what is shown, and what is refused in which words. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, type Client } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { secureServer, type SecureServer } from '../../../test/secure-server.ts'
import type * as waiting from '../../operations/wait-for-end.ts'
import { JobService, StartRequestSchema } from './gen/runyard/v1/job_service_pb.js'

/** How many calls the server has waiting. */
const waits = vi.hoisted(() => ({ open: 0 }))
vi.mock('../../operations/wait-for-end.ts', async (original) => {
  const { waitForEnd } = await original<typeof waiting>()
  return {
    waitForEnd(...wanted: Parameters<typeof waitForEnd>) {
      waits.open += 1
      return waitForEnd(...wanted).finally(() => (waits.open -= 1))
    },
  }
})

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
const wrong = async (call: Promise<unknown>): Promise<string> => {
  const [code, message] = await refusal(call)
  expect(code).toBe(Code.InvalidArgument)
  return message
}
const startOf = async (client: Client<typeof JobService>, command = 'true'): Promise<string> =>
  (await client.start({ command })).job!.jobId

test('everything a Start says is in the job', async () => {
  const { job } = await admin.start({
    command: 'make',
    args: ['all', ''],
    name: 'the build',
    env: { A: '1' },
    secretEnv: { TOKEN: 'hush' },
    workingDir: '/workspace/x',
    limits: { cpu: 0.5, memoryBytes: 64n * 1024n * 1024n, pids: 10, outputBytes: 1000n },
    timeoutSeconds: 1.5,
    queue: 'default',
    priority: 0,
    maxAttempts: 3,
    requiredLabels: { gpu: 'yes' },
    specJson: JSON.stringify({ retry: { backoff_seconds: 0 }, stop_grace_seconds: 9, payload: { a: [1] } }),
  })
  const shown = JSON.parse(job!.json) as Record<string, unknown>
  expect(shown).toMatchObject({
    ...{ command: ['make', 'all', ''], name: 'the build', env: { A: '1' }, secret_env_names: ['TOKEN'] },
    ...{ working_dir: '/workspace/x', timeout_seconds: 1.5, priority: 0, max_attempts: 3, stop_grace_seconds: 9 },
    ...{ required_labels: { gpu: 'yes' }, payload: { a: [1] }, retry: { backoff_seconds: 0 } },
    limits: { cpu: 0.5, memory_bytes: 67_108_864, pids: 10, output_bytes: 1000 },
  })
  expect(job!.json).not.toContain('hush')
  const { jobId, name, state, status, command, owner, waitingReason, lastAttempt } = job!
  expect({ name, state, status, command, owner, lastAttempt }).toEqual({
    ...{ name: 'the build', state: 'queued', status: 'queued', command: ['make', 'all', ''], owner: 'ada' },
    lastAttempt: 0,
  })
  expect(waitingReason).not.toBe('')
  await admin.stop({ jobId })
})

test('spec_json alone will do', async () => {
  const { job } = await admin.start({ specJson: JSON.stringify({ command: ['ls', '-l'], priority: 9 }) })
  expect(JSON.parse(job!.json)).toMatchObject({ command: ['ls', '-l'], priority: 9 })
  await admin.stop({ jobId: job!.jobId })
})

test('a field is given once, is known, and is named as it was sent', async () => {
  const start = (request: Parameters<typeof admin.start>[0]) => wrong(admin.start(request))
  expect(await start({})).toBe('command: the program name must not be empty')
  expect(await start({ args: ['x'] })).toBe('command: the program name must not be empty')
  expect(await start({ specJson: '{"priority":1}' })).toBe('command: the program name must not be empty')
  expect(await start({ command: 'a', args: ['b', 'c\0'] })).toBe('args[1]: must not contain a NUL character')
  expect(await start({ command: 'a', priority: 11 })).toBe('priority: must be 0 to 10')
  expect(await start({ command: 'a', specJson: '{"priority":11}' })).toBe('spec_json.priority: must be 0 to 10')
  expect(await start({ command: 'a', limits: { memoryBytes: 1n } })).toBe('limits.memory_bytes: at least 4 MiB')
  expect(await start({ command: 'a', limits: { memoryBytes: 2n ** 63n } })).toContain('limits.memory_bytes: ')
  expect(await start({ command: 'a', timeoutSeconds: NaN })).toBe('timeout_seconds: must be a number')
  expect(await start({ command: 'a', workingDir: 'x' })).toBe('working_dir: must be an absolute path')
  expect(await start({ command: 'a', workingDir: '/etc' })).toMatch(/^working_dir: /)
  expect(await start({ command: 'a', specJson: '{"binds":[{"path":"/etc"}]}' })).toMatch(/^spec_json\.binds/)
  expect(await start({ command: 'a', specJson: '{"no_such":1}' })).toBe('spec_json.no_such: is not a known field')
  expect(await start({ command: 'a', specJson: '{"__proto__":{}}' })).toBe('spec_json.__proto__: is not a known field')
  expect(await start({ command: 'a', specJson: '{"command":["b"]}' })).toBe(
    'command: is given twice: here and in spec_json',
  )
  expect(await start({ command: 'a', limits: {}, specJson: '{"limits":{"cpu":1}}' })).toBe(
    'limits: is given twice: here and in spec_json',
  )
  expect(await start({ command: 'a', specJson: '{' })).toBe('spec_json: is not valid JSON')
  expect(await start({ command: 'a', specJson: '[]' })).toBe('spec_json: must be a JSON object')
  expect(await start({ command: 'a', idempotencyKey: 'ä' })).toMatch(/^idempotency_key: /)
  expect(await start({ command: 'a', priority: 11, queue: 'X' })).toMatch(/ \(and 1 more\)$/)
})

test('every wrong field comes as a detail that typed clients understand', async () => {
  const error: unknown = await admin.start({ command: 'a', priority: 11, maxAttempts: 0 }).catch((e: unknown) => e)
  const [detail] = ConnectError.from(error).details as { type: string; debug?: unknown }[]
  expect(detail?.type).toBe('google.rpc.BadRequest')
})

test('a field with an unknown number is refused, also inside', async () => {
  const known = toBinary(StartRequestSchema, fromBinary(StartRequestSchema, new Uint8Array()))
  // Field 99, varint 1; and the same inside `limits`, which is field 7.
  const top = fromBinary(StartRequestSchema, Uint8Array.from([...known, 0x98, 0x06, 0x01]))
  const inside = fromBinary(StartRequestSchema, Uint8Array.from([0x3a, 0x03, 0x98, 0x06, 0x01]))
  expect(await wrong(admin.start({ ...top, command: 'a' }))).toBe('99: this server knows no field with this number')
  expect(await wrong(admin.start({ ...inside, command: 'a' }))).toMatch(/^limits\.99: /)
})

test('the same idempotency key gives the same job, and no other', async () => {
  const first = await admin.start({ command: 'true', idempotencyKey: 'k1' })
  let replayed: string | null = null
  const again = await admin.start(
    { command: 'true', idempotencyKey: 'k1' },
    { onHeader: (headers) => (replayed = headers.get('idempotency-replayed')) },
  )
  expect([again.job!.jobId, replayed]).toEqual([first.job!.jobId, 'true'])
  expect((await refusal(admin.start({ command: 'false', idempotencyKey: 'k1' })))[0]).toBe(Code.AlreadyExists)
  await admin.stop({ jobId: first.job!.jobId })
})

test('Wait answers at the end of the job, by a notice, and at the deadline', async () => {
  const jobId = await startOf(admin)
  const [code] = await refusal(admin.wait({ jobId }, { timeoutMs: 150 }))
  expect(code).toBe(Code.DeadlineExceeded)
  const before = performance.now()
  const waiting = viewer.wait({ jobId })
  await runner.run('', { state: 'failed', error_class: 'exit', exit_code: 7, remaining_processes: 0 })
  const { job } = await waiting
  expect(job).toMatchObject({ state: 'failed', status: 'failed', exitCode: 7, lastAttempt: 1, jobId })
  expect(timestampDate(job!.endedAt!).getTime()).toBeGreaterThanOrEqual(timestampDate(job!.startedAt!).getTime())
  expect(performance.now() - before).toBeLessThan(3_000)
  expect((await viewer.wait({ jobId })).job!.state).toBe('failed')
  expect((await refusal(operator.wait({ jobId })))[0]).toBe(Code.NotFound)
})

test('a Wait whose caller leaves is given up', async () => {
  const jobId = await startOf(admin)
  const leaving = new AbortController()
  const call = refusal(admin.wait({ jobId }, { signal: leaving.signal }))
  await expect.poll(() => waits.open).toBe(1)
  leaving.abort()
  expect((await call)[0]).toBe(Code.Canceled)
  await expect.poll(() => waits.open).toBe(0)
  await admin.stop({ jobId })
})

test('Stop tells its reason, waits when asked to, and an ended job is no state for it', async () => {
  const jobId = await startOf(admin, 'sleep')
  const assignment = await runner.claimOne()
  await runner.started(assignment)
  const asked = (await admin.stop({ jobId, reason: ' enough ' })).job!
  expect([asked.state, JSON.parse(asked.json)]).toMatchObject(['running', { cancel_reason: 'enough' }])
  const stopped = admin.stop({ jobId, force: true, wait: true })
  await expect.poll(async () => (await runner.rpc.heartbeat({ ...runner.who, held: runner.held })).kill.length).toBe(1)
  await runner.finish(assignment, { state: 'cancelled', remaining_processes: 0 } as never)
  expect((await stopped).job).toMatchObject({ state: 'cancelled', status: 'terminated' })
  expect((await refusal(admin.stop({ jobId })))[0]).toBe(Code.FailedPrecondition)
  expect(await wrong(admin.stop({ jobId, reason: 'x'.repeat(501) }))).toMatch(/^reason: /)
})

test('a viewer starts and stops nothing, an operator only their own, and each refusal has one row', async () => {
  const jobId = await startOf(admin)
  const vito = await person('viewer', 'vito')
  expect((await refusal(vito.start({ command: 'true' })))[0]).toBe(Code.PermissionDenied)
  expect((await refusal(vito.stop({ jobId })))[0]).toBe(Code.PermissionDenied)
  expect((await refusal(vito.stop({ jobId: '000000000000' })))[0]).toBe(Code.PermissionDenied)
  expect((await refusal(vito.stop({ jobId: 'x' })))[0]).toBe(Code.InvalidArgument)
  expect((await refusal(operator.stop({ jobId })))[0]).toBe(Code.NotFound)
  expect(await server.auditOf('vito')).toEqual([
    ...['job.submit refused', 'job.cancel refused', 'job.cancel refused'],
    'CALL /runyard.v1.JobService/Stop refused',
  ])
  await admin.stop({ jobId })
})

test('a refusal in other words has one row too', async () => {
  const arno = await person('admin', 'arno')
  expect(await wrong(arno.start({ command: 'a', workingDir: '/etc' }))).toMatch(/^working_dir/)
  expect(await wrong(arno.start({ command: 'a', priority: 99 }))).toMatch(/^priority/)
  expect(await server.auditOf('arno')).toEqual(['job.submit refused', 'CALL /runyard.v1.JobService/Start refused'])
})

test('List: newest first, in pages, filtered, and each sees what they may', async () => {
  const lola = await person('operator', 'lola')
  const ids: string[] = []
  for (let i = 0; i < 5; i++) ids.push((await lola.start({ command: 'true', name: `list ${i}` })).job!.jobId)
  const newest = ids.toReversed()
  const seen: string[] = []
  let pageToken = ''
  do {
    const page = await lola.list({ pageSize: 2, pageToken })
    seen.push(...page.jobs.map((job) => job.jobId))
    pageToken = page.nextPageToken
  } while (pageToken !== '')
  expect(seen).toEqual(newest)
  expect((await viewer.list({ owner: 'lola', statuses: ['waiting'] })).jobs).toHaveLength(5)
  expect((await viewer.list({ owner: 'lola', states: ['running'] })).jobs).toHaveLength(0)
  expect((await lola.list({ name: 'LIST 3' })).jobs.map((job) => job.jobId)).toEqual([ids[3]])
  const labelled = (await lola.start({ command: 'true', specJson: '{"labels":{"app":"db","tier":"a"}}' })).job!.jobId
  expect((await lola.list({ labels: ['app=db', 'tier=a'] })).jobs.map((job) => job.jobId)).toEqual([labelled])
  expect(await wrong(lola.list({ labels: ['app=db', '='] }))).toMatch(/^labels\[1\]: /)
  await lola.stop({ jobId: labelled })
  expect((await lola.list({ since: timestampFromDate(new Date(Date.now() + 60_000)) })).jobs).toEqual([])
  expect((await lola.list({ until: timestampFromDate(new Date(Date.now() + 60_000)) })).jobs).toHaveLength(6)
  expect(await wrong(lola.list({ pageSize: 201 }))).toBe('page_size: must be at most 200')
  expect(await wrong(lola.list({ pageToken: 'x' }))).toMatch(/^page_token: /)
  expect(await wrong(lola.list({ states: ['queued', 'asleep'] }))).toMatch(/^states\[1\]: must be one of "blocked"/)
  expect(await wrong(lola.list({ statuses: ['completed'] }))).toMatch(/^statuses\[0\]: must be one of/)
  expect(await wrong(lola.list({ rerunOf: 'x' }))).toMatch(/^rerun_of: /)
  expect(await wrong(lola.list({ since: { seconds: 9_999_999_999_999_999n, nanos: 0 } as never }))).toBe(
    'since: is no time',
  )
  for (const jobId of ids) await lola.stop({ jobId })
})

test('attempts, and who one is', async () => {
  const jobId = await startOf(admin)
  await runner.run('out')
  const { attempts } = JSON.parse((await viewer.listAttempts({ jobId })).json) as { attempts: object[] }
  expect(attempts).toMatchObject([{ number: 1, state: 'succeeded', runner: 'fake', log: { stdout_bytes: 3 } }])
  expect((await refusal(operator.listAttempts({ jobId })))[0]).toBe(Code.NotFound)
  const me = await viewer.whoAmI({})
  expect(me).toMatchObject({ username: 'vera', role: 'viewer', serverVersion: '0.0.0-test' })
  expect(me.certificateId).not.toBe('')
  expect(timestampDate(me.notAfter!).getTime()).toBeGreaterThan(Date.now())
})

test('what is no id is a wrong argument, and says so', async () => {
  for (const jobId of ['', 'ABCDEFGHIJKL', '0000000000\u0430\u0430', '../../../../x']) {
    const id = 'job_id: must be a job id: 12 characters, 0-9 and a-z'
    for (const call of [admin.get({ jobId }), admin.wait({ jobId }), admin.stop({ jobId })]) {
      expect(await wrong(call)).toBe(id)
    }
  }
  expect((await refusal(admin.get({ jobId: '000000000000' })))[0]).toBe(Code.NotFound)
})
