/** The REST face on a whole server, with a runner that speaks the real runner port. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'

let server: TestServer
let runner: FakeRunner
let anna: Person
let ben: Person
let viewer: Person

beforeAll(async () => {
  server = await runningServer()
  runner = await fakeRunner(server.runnerSocket)
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
  viewer = await server.person('viewer', 'vera')
})
afterAll(() => server.close())

const post = (path: string, body: unknown, init: RequestInit & { token?: string } = {}) =>
  server.fetch(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...(init.headers as Record<string, string>) },
  })

// oxlint-disable-next-line no-explicit-any -- answers are compared, not typed
const json = (response: Response): Promise<any> => response.json()

/** Verbatim from seed 001. */
const seedExample = `{
	"name": "linux-build",
	"command": ["make", "-f", "Makefile", "all"],
	"working_dir": "/workspace/project",
	"env": {"BUILD_MODE": "release"},
	"payload": {"note": "nightly regression"}
}`

test("the seed's example is accepted as it stands, and a job's life is seen from end to end", async () => {
  const response = await post('/jobs', seedExample, { token: anna.token })
  expect(response.status).toBe(202)
  const job = await json(response)
  expect(job).toMatchObject({
    name: 'linux-build',
    command: ['make', '-f', 'Makefile', 'all'],
    working_dir: '/workspace/project',
    env: { BUILD_MODE: 'release' },
    payload: { note: 'nightly regression' },
    owner: 'anna',
    state: 'queued',
    status: 'waiting',
    result: null,
    priority: 5,
    queue: 'default',
  })
  expect(job.id).toMatch(/^[0-9a-z]{12}$/)

  const assignment = await runner.claimOne()
  expect(await anna.client.calls.jobs.get({ id: job.id })).toMatchObject({
    state: 'leased',
    status: 'waiting',
    waiting_reason: { code: 'starting', text: 'runner fake is starting it' },
  })
  expect(assignment).toMatchObject({ jobId: job.id, env: { BUILD_MODE: 'release' }, timeoutSeconds: 3600 })
  expect(JSON.parse(assignment.specJson).command).toEqual(['make', '-f', 'Makefile', 'all'])
  await runner.started(assignment)
  expect(await anna.client.calls.jobs.get({ id: job.id })).toMatchObject({ state: 'running', status: 'running' })
  await runner.write(assignment, 'building\n')
  await runner.write(assignment, 'warning\n', 'stderr')
  await runner.finish(assignment, { state: 'failed', error_class: 'exit', exit_code: 2, remaining_processes: 0 })

  const ended = await anna.client.calls.jobs.get({ id: job.id })
  expect(ended).toMatchObject({ state: 'failed', status: 'failed', waiting_reason: null, attempts_spent: 1 })
  expect(ended.result).toMatchObject({ exit_code: 2, error_class: 'exit', remaining_processes: 0, truncated_bytes: 0 })
  expect((await anna.client.readLog({ jobId: job.id })).bytes.toString()).toBe('building\nwarning\n')
  const { attempts } = await anna.client.calls.jobs.attempts({ id: job.id })
  expect(attempts).toMatchObject([
    { number: 1, state: 'failed', runner: 'fake', log: { stdout_bytes: 9, stderr_bytes: 8, truncated_bytes: 0 } },
  ])
})

test('what one may not see answers 404, whatever is asked of it', async () => {
  const { id } = await anna.client.calls.jobs.submit({ command: ['true'], name: 'annas', env: { A: '1' } })
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/cancel'],
    ['POST', '/rerun'],
    ['GET', '/attempts'],
    ['GET', '/logs'],
  ] as const) {
    const answer = await server.fetch(`/jobs/${id}${path}`, { method, token: ben.token })
    const unknown = await server.fetch(`/jobs/000000000000${path}`, { method, token: ben.token })
    expect([path, answer.status]).toEqual([path, 404])
    const blank = (body: string): string => body.replaceAll(/"request_id":"[^"]+"/g, '')
    expect(blank(await answer.text())).toBe(blank(await unknown.text()))
  }
  expect((await ben.client.calls.jobs.list({ name: 'annas' })).jobs).toEqual([])
  expect((await ben.client.calls.jobs.list({ owner: 'anna' })).jobs).toEqual([])
  const total = (await ben.client.calls.jobs.stats()).total
  expect(total).toBe(0)

  // A viewer reads every job, not its environment, and changes nothing.
  const seen = await viewer.client.calls.jobs.get({ id })
  expect([seen.id, seen.env]).toEqual([id, undefined])
  await expect(viewer.client.calls.jobs.cancel({ id })).rejects.toMatchObject({ code: 'permission_denied' })
  await expect(viewer.client.calls.jobs.rerun({ id })).rejects.toMatchObject({ code: 'permission_denied' })
  await expect(viewer.client.calls.jobs.submit({ command: ['true'] })).rejects.toMatchObject({
    code: 'permission_denied',
  })
  expect((await anna.client.calls.jobs.get({ id })).env).toEqual({ A: '1' })
  expect((await server.client.calls.jobs.get({ id })).env).toEqual({ A: '1' })
  await anna.client.calls.jobs.cancel({ id })
})

test('secret_env is given to the runner and to nobody else', async () => {
  const secret = 'canary-7f3a-canary'
  const { id } = await anna.client.calls.jobs.submit({ command: ['true'], secret_env: { TOKEN: secret } })
  const shown = await (await server.fetch(`/jobs/${id}`)).text()
  expect(JSON.parse(shown).secret_env_names).toEqual(['TOKEN'])
  expect(shown).not.toContain(secret)
  const assignment = await runner.claimOne()
  expect(assignment.secretEnv).toEqual({ TOKEN: secret })
  await runner.finish(assignment, { state: 'succeeded', exit_code: 0 })
  for (const table of ['jobs', 'attempts', 'audit_log', 'idempotency_keys']) {
    const { rows } = await server.db.query<{ text: string }>(`select t::text as text from ${table} t`)
    expect(rows.map((row) => row.text).join('\n')).not.toContain(secret)
  }
  // Run again, it still has it, sealed for the new job.
  await anna.client.calls.jobs.rerun({ id })
  const again = await runner.claimOne()
  expect(again.secretEnv).toEqual({ TOKEN: secret })
  await runner.finish(again, { state: 'succeeded', exit_code: 0 })
})

test('an idempotency key makes a submit safe to repeat', async () => {
  const body = { command: ['true'], name: 'once', secret_env: { S: 'secret-1' } }
  const headers = { 'idempotency-key': 'key-1' }
  const answers = await Promise.all([1, 2, 3].map(() => post('/jobs', body, { token: anna.token, headers })))
  expect(answers.map((a) => a.status)).toEqual([202, 202, 202])
  const ids = await Promise.all(answers.map(async (a) => (await json(a)).id as string))
  expect(new Set(ids).size).toBe(1)
  expect(answers.filter((a) => a.headers.get('idempotency-replayed') === 'true')).toHaveLength(2)
  const other = await post('/jobs', { ...body, secret_env: { S: 'secret-2' } }, { token: anna.token, headers })
  expect([other.status, (await json(other)).title]).toEqual([409, 'conflict'])
  const empty = await post('/jobs', body, { token: anna.token, headers: { 'idempotency-key': '' } })
  expect([empty.status, (await json(empty)).errors[0].field]).toEqual([422, 'Idempotency-Key'])
  // Another user's key of the same name is another key.
  expect((await post('/jobs', body, { token: ben.token, headers })).status).toBe(202)
  const many = await anna.client.calls.jobs.submitMany({ jobs: [body, body] }, { context: { idempotencyKey: 'k2' } })
  const same = await anna.client.calls.jobs.submitMany({ jobs: [body, body] }, { context: { idempotencyKey: 'k2' } })
  expect(same).toEqual({ ids: many.ids, replayed: true })
})

test('submits that arrive together keep their errors apart', async () => {
  const good = { command: ['true'], queue: 'default' }
  const bad = { command: ['true'], queue: 'no-such-queue' }
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => post('/jobs', i % 8 === 3 ? bad : good, { token: anna.token })),
  )
  expect(answers.map((a) => a.status)).toEqual(answers.map((_, i) => (i % 8 === 3 ? 422 : 202)))
  const problem = await json(answers[3]!)
  expect(problem.errors).toEqual([{ field: 'queue', message: expect.stringMatching(/no-such-queue/) }])
  const ids = await Promise.all(answers.filter((a) => a.ok).map(async (a) => (await json(a)).id))
  expect(new Set(ids).size).toBe(35)
})

test('a bulk is all or none, and names the wrong ones by their place', async () => {
  const before = (await anna.client.calls.jobs.stats()).total
  const jobs = [
    { command: ['true'] },
    { command: ['true'], working_dir: '/etc' },
    { command: ['true'], limits: { cpu: 900 } },
  ]
  const refused = await post('/jobs/bulk', { jobs }, { token: anna.token })
  expect(refused.status).toBe(422)
  expect((await json(refused)).errors.map((e: { field: string }) => e.field)).toEqual([
    'jobs[1].working_dir',
    'jobs[2].limits.cpu',
  ])
  expect((await anna.client.calls.jobs.stats()).total).toBe(before)
  expect((await post('/jobs/bulk', { jobs: [] }, { token: anna.token })).status).toBe(422)
})

test('cancel: before the start at once, twice a conflict, while it runs through its runner', async () => {
  await server.client.calls.queues.put({ name: 'parked', paused: true })
  const parked = await anna.client.calls.jobs.submit({ command: ['true'], queue: 'parked' })
  expect(parked.waiting_reason?.code).toBe('queue_paused')
  expect(await anna.client.calls.jobs.cancel({ id: parked.id })).toMatchObject({ state: 'cancelled' })
  await expect(anna.client.calls.jobs.cancel({ id: parked.id })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(/cancelled/),
  })

  while ((await runner.claim(100)).length > 0);
  for (const ref of [...runner.held]) {
    await runner.finish({ ref } as never, { state: 'succeeded', exit_code: 0 })
  }
  const watching = new AbortController()
  const hints = runner.rpc.watchCancels(runner.who, { signal: watching.signal })[Symbol.asyncIterator]()
  const { id } = await anna.client.calls.jobs.submit({ command: ['sleep', '60'] })
  const assignment = await runner.claimOne()
  const hint = hints.next()
  // The stream begins with its first message; give it a turn.
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(await anna.client.calls.jobs.cancel({ id, reason: 'changed my mind' })).toMatchObject({
    cancel_requested: true,
  })
  const soft = (await hint).value
  expect([soft?.cancel[0]?.token, soft?.kill]).toEqual([assignment.ref.token, []])
  const harder = hints.next()
  await anna.client.calls.jobs.cancel({ id, force: true })
  expect((await harder).value?.kill[0]?.token).toBe(assignment.ref.token)
  watching.abort()
  await hints.return?.().catch(() => {})
  const beat = await runner.rpc.heartbeat({ ...runner.who, held: [assignment.ref] })
  expect(beat.cancel.map((ref) => ref.token)).toEqual([assignment.ref.token])
  expect(beat.kill.map((ref) => ref.token)).toEqual([assignment.ref.token])
  await runner.finish(assignment, { state: 'cancelled', remaining_processes: 0 })
  expect(await anna.client.calls.jobs.get({ id })).toMatchObject({
    state: 'cancelled',
    cancel_reason: 'changed my mind',
    result: { remaining_processes: 0 },
  })
})

test('delete takes an ended job and its log, and no other', async () => {
  const { id } = await anna.client.calls.jobs.submit({ command: ['true'] })
  await expect(anna.client.calls.jobs.delete({ id })).rejects.toMatchObject({ code: 'conflict' })
  await runner.run('bytes\n')
  expect((await server.fetch(`/jobs/${id}/logs`, { token: anna.token })).status).toBe(200)
  await anna.client.calls.jobs.delete({ id })
  expect((await server.fetch(`/jobs/${id}/logs`, { token: anna.token })).status).toBe(404)
})

test('lists page through everything once, newest first, and filter', async () => {
  const ids = (
    await ben.client.calls.jobs.submitMany({
      jobs: Array.from({ length: 25 }, (_, i) => ({ command: ['true'], name: `page ${i}`, queue: 'parked' })),
    })
  ).ids
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const answer = await ben.client.calls.jobs.list({ name: 'PAGE', limit: 10, cursor })
    seen.push(...answer.jobs.map((job) => job.id))
    cursor = answer.next_cursor ?? undefined
  } while (cursor !== undefined)
  expect(seen).toEqual([...ids].reverse())
  const waiting = await ben.client.calls.jobs.list({ state: 'queued,running', queue: 'parked', limit: 200 })
  expect(waiting.jobs).toHaveLength(25)
  expect((await ben.client.calls.jobs.list({ status: ['failed'] })).jobs).toEqual([])
  for (const query of [
    '?state=nonsense',
    '?limit=0',
    '?limit=1e3',
    '?cursor=%27%20or%201=1',
    '?sort=id;drop',
    '?since=yesterday',
  ]) {
    expect([query, (await server.fetch(`/jobs${query}`)).status]).toEqual([query, 422])
  }
  expect((await server.fetch('/jobs/not-an-id')).status).toBe(422)
})

test('every change and every refusal left one audit row', async () => {
  const { rows } = await server.db.query<{ action: string; result: string; count: number }>(
    `select action, result, count(*)::int as count from audit_log group by 1, 2`,
  )
  const count = (action: string, result: string): number =>
    rows.find((row) => row.action === action && row.result === result)?.count ?? 0
  const before = count('job.submit', 'done')
  const refusedBefore = count('job.submit', 'refused') + count('POST /api/v1/jobs', 'refused')
  await post('/jobs', { command: ['true'] }, { token: anna.token })
  await post('/jobs', { command: ['true'], working_dir: '/etc' }, { token: anna.token })
  await post('/jobs', { command: [] }, { token: anna.token })
  await post('/jobs', { command: ['true'] }, { token: viewer.token })
  const after = await server.db.query<{ result: string; actor: string; detail: { code?: string } }>(
    `select result, actor, detail from audit_log where action in ('job.submit', 'POST /api/v1/jobs') order by id desc limit 4`,
  )
  expect(after.rows.map((row) => [row.result, row.actor, row.detail.code])).toEqual([
    ['refused', 'vera', 'permission_denied'],
    ['refused', 'anna', 'invalid_argument'],
    ['refused', 'anna', 'invalid_argument'],
    ['done', 'anna', undefined],
  ])
  expect(before).toBeGreaterThan(5)
  expect(refusedBefore).toBeGreaterThan(5)
})
