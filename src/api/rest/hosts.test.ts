/** Hosts on the REST face, with a real SSH server and a runner that executes nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { sshUser, testSshServer, type TestSshServer } from '../../../test/ssh-server.ts'
import { until } from '../../../test/until.ts'
import type { Outcome } from '../../job/outcome.ts'
import { HostKeyChanged } from '../../ssh/errors.ts'
import type { PlaceOrder } from '../../job/place.ts'

/** Part of every credential that is given here. */
const canary = 'c4n4ry-pass'
let server: TestServer
let operator: Person
let viewer: Person
let ssh: TestSshServer
let runner: FakeRunner

beforeAll(async () => {
  ssh = await testSshServer({ password: `${canary}-1` })
  server = await runningServer({ RUNYARD_WEB_TERMINAL: 'true', RUNYARD_PUBLIC_URL: 'https://runyard.example' })
  operator = await server.person('operator', 'olga')
  viewer = await server.person('viewer')
  runner = await fakeRunner(server.runnerSocket, {
    executors: ['sandbox', 'ssh'],
    facilities: {
      elsewhere: { ssh: { hosts: [{ name: 'web1', breaker: 'open', failures: 3, last_error: 'cut' }, 7] } },
    },
  })
  await server.client.calls.channels.put({
    name: 'ops',
    settings: { kind: 'webhook', url: 'http://127.0.0.1:9/' },
  })
  await server.client.calls.incidents.putRules({ channels: ['ops'] })
})
afterAll(async () => {
  await server?.close()
  await ssh?.close()
})

const hosts = () => server.client.calls.hosts
const add = (name: string, over: object = {}) =>
  hosts().create({
    ...{ name, address: '127.0.0.1', port: ssh.port, user: sshUser },
    auth: { method: 'password', password: `${canary}-1` },
    ...over,
  })
const fingerprints = () => ssh.keys.map(({ fingerprint }) => fingerprint)
const at = (field: string, code = 'invalid_argument') => ({ code, fields: [expect.objectContaining({ field })] })
const audited = async (action: string) => {
  const { entries } = await server.client.calls.audit.list({ action })
  return entries
}

test('a host is added, shows its keys, and is used when an administrator has confirmed them', async () => {
  const made = await add('web1', { labels: { role: 'web' } })
  expect(made).toMatchObject({ state: 'unconfirmed', problem: null, connection: { keys: [], auth: 'password' } })
  expect(made.connection!.seen).toEqual(ssh.keys)
  await expect(add('web1')).rejects.toMatchObject(at('name', 'conflict'))
  await expect(
    operator.client.calls.jobs.submit({ command: ['true'], executor: 'ssh', hosts: ['web1'] }),
  ).rejects.toMatchObject({
    fields: [{ field: 'hosts[0]', message: expect.stringContaining('no confirmed key') }],
  })
  const wrong = `SHA256:${'A'.repeat(43)}`
  await expect(hosts().confirm({ name: 'web1', accept: [wrong] })).rejects.toMatchObject(at('accept[0]'))
  await expect(hosts().confirm({ name: 'web1' })).rejects.toMatchObject(at('accept'))
  const confirmed = await hosts().confirm({ name: 'web1', accept: [fingerprints()[0]!] })
  expect(confirmed).toMatchObject({ state: 'ready', connection: { keys: [{ ...ssh.keys[0], confirmed_by: 'admin' }] } })
  const scanned = await hosts().scan({ name: 'web1' })
  expect(scanned.keys).toEqual(ssh.keys.map((key, i) => ({ ...key, confirmed: i === 0 })))

  // From a file nobody is asked, so the host may be one that the server does not reach.
  const text = ssh.knownHosts.replaceAll('127.0.0.1', '192.0.2.1')
  const file = await add('web2', { address: '192.0.2.1', known_hosts: text, labels: { role: 'web' } })
  expect(file).toMatchObject({ state: 'ready', connection: { keys: ssh.keys.map((key) => ({ ...key })) } })
  await expect(add('web3', { known_hosts: text })).rejects.toMatchObject(at('known_hosts'))
  await expect(add('web3', { accept: [wrong] })).rejects.toMatchObject(at('accept[0]'))
  const away = await add('away', { port: 1 })
  expect(away).toMatchObject({ state: 'unconfirmed', problem: expect.stringContaining('not reached') })
  await expect(add('web3', { auth: { method: 'key', private_key: 'no key' } })).rejects.toMatchObject(
    at('auth.private_key'),
  )
})

test('operators use hosts by their names, viewers look, administrators change', async () => {
  await add('vault', { accept: fingerprints(), open_to: 'admins' })
  const mine = await operator.client.calls.hosts.list({})
  expect(mine.ssh).toBe(true)
  expect(mine.hosts.map(({ name, connection }) => [name, connection])).toEqual([
    ...[
      ['away', null],
      ['web1', null],
    ],
    ['web2', null],
  ])
  expect(mine.hosts[1]!.runners).toMatchObject([{ runner: 'fake', breaker: 'open', failures: 3, last_error: null }])
  await expect(operator.client.calls.hosts.get({ name: 'vault' })).rejects.toMatchObject({ code: 'not_found' })
  expect((await viewer.client.calls.hosts.get({ name: 'vault' })).connection).toMatchObject({ address: '127.0.0.1' })
  const found = async (query: object) => (await hosts().list(query)).hosts.map(({ name }) => name)
  expect(await found({ label: ['role=web'], state: ['ready'], search: 'EB2' })).toEqual(['web2'])
  const first = await hosts().list({ limit: 2 })
  expect(first.next_cursor).toBe('vault')
  expect(await found({ cursor: 'vault' })).toEqual(['web1', 'web2'])

  for (const { client } of [operator, viewer]) {
    const { calls } = client
    const refused = [
      calls.hosts.create({ name: 'x', address: 'x', user: 'x', auth: { method: 'agent' } }),
      calls.hosts.change({ name: 'web1', enabled: false }),
      calls.hosts.confirm({ name: 'web1', accept: fingerprints() }),
      calls.hosts.scan({ name: 'web1' }),
      calls.hosts.test({ name: 'web1' }),
      calls.hosts.delete({ name: 'web1' }),
    ]
    const answers = await Promise.allSettled(refused)
    expect(answers).toMatchObject(refused.map(() => ({ reason: { code: 'permission_denied' } })))
  }
  await expect(hosts().change({ name: 'web1', jump: 'web1' })).rejects.toMatchObject(at('jump'))
  await hosts().change({ name: 'web2', jump: 'web1' })
  await expect(hosts().change({ name: 'web1', jump: 'web2' })).rejects.toMatchObject(at('jump'))
  await expect(hosts().delete({ name: 'web1' })).rejects.toMatchObject({ code: 'conflict' })
  expect(await hosts().change({ name: 'web2', jump: null, connections: 9 })).toMatchObject({
    ...{ labels: { role: 'web' }, state: 'ready' },
    connection: { connections: 9, jump: null, auth: 'password' },
  })
})

const claimed = async (
  id: string,
): Promise<{ place: PlaceOrder; end(outcome: Outcome, outputs?: Record<string, string>): Promise<void> }> => {
  const assignment = await runner.claimOne()
  expect(assignment.jobId).toBe(id)
  await runner.started(assignment)
  return {
    place: JSON.parse(assignment.placeJson || '{}') as PlaceOrder,
    async end(outcome, outputs) {
      const report = { ref: assignment.ref, outcomeJson: JSON.stringify(outcome), logLength: 0n }
      await runner.rpc.finish({ ...runner.who, reports: [{ ...report, outputs }] })
      runner.held.splice(0)
    },
  }
}
const done: Outcome = { state: 'succeeded', exit_code: 0, remaining_processes: 0 }

test('labels become names at submit; the runner is told addresses, keys and credentials, nobody else is', async () => {
  const { jobs } = operator.client.calls
  const refused = jobs.submit({
    command: ['true'],
    executor: 'ssh',
    hosts: ['web1', 'vault', 'nowhere', 'label:role=db'],
  })
  await expect(refused).rejects.toMatchObject({
    fields: ['hosts[1]', 'hosts[2]', 'hosts[3]'].map((field) => expect.objectContaining({ field })),
  })
  const job = await jobs.submit({
    command: ['true'],
    executor: 'ssh',
    hosts: ['label:role=web', 'web1'],
    hosts_at_once: 1,
  })
  expect(job).toMatchObject({ hosts: ['web1', 'web2'], executor: 'ssh' })
  const { place, end } = await claimed(job.id)
  expect(place.ssh).toMatchObject({ success: 'all', at_once: 1, hosts: [{ name: 'web1' }, { name: 'web2' }] })
  expect(place.ssh!.hosts[0]).toEqual({
    ...{ name: 'web1', address: '127.0.0.1', port: ssh.port, user: sshUser, keys: [ssh.keys[0]] },
    ...{ auth: { method: 'password', password: `${canary}-1` }, connections: 5 },
    ...{ keep_alive_seconds: 15, connect_timeout_seconds: 10 },
  })
  await end({
    ...done,
    hosts: ['web1', 'web2'].map((host) => ({ host, state: 'succeeded', exit_code: 0, signal: null })),
  })
  const listed = await jobs.list({ executor: 'ssh', host: 'web2' })
  expect(listed.jobs.map(({ id }) => id)).toEqual([job.id])
  expect((await jobs.list({ host: 'vault' })).jobs).toEqual([])
  await until(async () => (await hosts().get({ name: 'web2' })).last_job_id === job.id)

  const batch = await operator.client.calls.batches.create({
    name: 'two',
    jobs: [{ command: ['true'] }, { command: ['true'], executor: 'ssh', hosts: ['label:role=web'] }],
  })
  const { jobs: members } = await jobs.list({ batch_id: batch.id, executor: 'ssh' })
  expect(members[0]!.hosts).toEqual(['web1', 'web2'])
  await operator.client.calls.batches.cancel({ id: batch.id })

  // What an administrator does between submit and claim holds.
  const late = await jobs.submit({ command: ['true'], executor: 'ssh', hosts: ['web2'] })
  await hosts().change({ name: 'web2', enabled: false })
  const order = await claimed(late.id)
  expect(order.place).toEqual({ refused: expect.stringContaining('host web2 is disabled') })
  await order.end({ state: 'failed', error_class: 'refused', message: order.place.refused })
  await expect(operator.client.calls.jobs.rerun({ id: late.id })).rejects.toMatchObject(at('hosts[0]'))
  await hosts().change({ name: 'web2', enabled: true })
})

test('a task of a pipeline goes to hosts too, by the rights of whoever owns the run', async () => {
  const { pipelines, pipelineRuns } = operator.client.calls
  const task = (hosts: string) => `{ executor: ssh, hosts: [${hosts}], script: [uptime] }`
  const source = `pipelines: { there: { continue_running_tasks_after_failure: true, tasks: {
    no: ${task('vault')}, yes: ${task("'label:role=web'")} } } }`
  await pipelines.put({ name: 'there', source })
  const run = await pipelines.start({ name: 'there' })
  const assignment = await runner.claimOne()
  expect(JSON.parse(assignment.specJson)).toMatchObject({ hosts: ['web1', 'web2'] })
  const { tasks } = await pipelineRuns.tasks({ id: run.id })
  expect(tasks.find(({ name }) => name === 'no')).toMatchObject({ error: expect.stringContaining('no host vault') })
  await runner.started(assignment)
  await runner.finish(assignment, done)
})

test('a test brings the facts of a host, and no other job does', async () => {
  const outputs = {
    ...{ host_facts: '1', hostname: 'web1', os: 'Debian\u0007 13', cores: '4', memory_bytes: '1024', cgroup: 'v2' },
    ...{ systemd: 'true', user: 'deploy', uid: '1000', tools: 'sh bash $(x)' },
  }
  const forged = await operator.client.calls.jobs.submit({ command: ['true'], executor: 'ssh', hosts: ['web1'] })
  await (await claimed(forged.id)).end(done, outputs)
  expect((await hosts().get({ name: 'web1' })).facts).toBeNull()
  const { job_id } = await hosts().test({ name: 'web1' })
  await (await claimed(job_id)).end(done, outputs)
  expect((await operator.client.calls.hosts.get({ name: 'web1' })).facts).toMatchObject({
    ...{ hostname: 'web1', os: 'Debian  13', cores: 4, memory_bytes: 1024, cgroup: 'v2', systemd: true, uid: 1000 },
    tools: ['sh', 'bash'],
  })
})

test('another key than the confirmed one: an alarm, messages, no jobs, until somebody confirms', async () => {
  const { jobs } = operator.client.calls
  const job = await jobs.submit({ command: ['true'], executor: 'ssh', hosts: ['web1'] })
  const key = { type: 'ssh-ed25519', fingerprint: `SHA256:${'B'.repeat(43)}` }
  const { end } = await claimed(job.id)
  const { message } = new HostKeyChanged('web1', key)
  await end({ state: 'failed', error_class: 'refused', message })
  const alarmed = await hosts().get({ name: 'web1' })
  expect(alarmed).toMatchObject({ state: 'key_changed', key_alarm: { key, runner: 'fake', job_id: job.id } })
  expect(await audited('host.key_changed')).toMatchObject([{ target: 'host:web1', actor: 'fake' }])
  // By its label too: a success of "all" must not leave it out in silence.
  for (const named of ['web1', 'label:role=web']) {
    await expect(jobs.submit({ command: ['true'], executor: 'ssh', hosts: [named] })).rejects.toMatchObject(
      at('hosts[0]'),
    )
  }
  await expect(hosts().test({ name: 'web1' })).rejects.toMatchObject({ code: 'failed_precondition' })

  const fine = await hosts().confirm({ name: 'web1', accept: fingerprints() })
  expect(fine).toMatchObject({ state: 'ready', key_alarm: null })
  expect(fine.connection!.keys).toHaveLength(2)
})

interface Opened {
  socket: WebSocket
  text(): string
  messages: { type: string; reason?: string; code?: string | null; exit_code?: number | null }[]
}

function terminal(name: string, token = server.localToken, headers: object = {}): Opened {
  const url = `${server.url.replace('http', 'ws')}/api/v1/hosts/${name}/terminal?cols=100&rows=30`
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}`, ...headers } })
  const bytes: Buffer[] = []
  const messages: Opened['messages'] = []
  socket.on('message', (data: Buffer, binary) => {
    if (binary) bytes.push(data)
    else messages.push(JSON.parse(data.toString()) as Opened['messages'][number])
  })
  return { socket, messages, text: () => Buffer.concat(bytes).toString() }
}

test('a terminal for administrators: bytes both ways, its size, its end; audited without its content', async () => {
  const { socket, messages, text } = terminal('web1')
  await until(() => messages.length > 0)
  expect(messages[0]).toEqual({ type: 'open', host: 'web1', idle_seconds: 900 })
  socket.send(Buffer.from(`grüße ${canary}-typed`), { binary: true })
  await until(() => text() === `grüße ${canary}-typed`)
  socket.send(JSON.stringify({ type: 'resize', cols: 120, rows: 40 }))
  await until(() => ssh.windows.length === 2)
  expect(ssh.windows).toEqual(['100x30', '120x40'])
  socket.send(Buffer.from('exit\r'), { binary: true })
  await until(() => socket.readyState === WebSocket.CLOSED)
  expect(messages[1]).toMatchObject({ type: 'closed', reason: 'the shell has ended', exit_code: 3, code: null })
  const bytes_in = Buffer.byteLength(`grüße ${canary}-typed`) + 5
  expect(await audited('host.terminal_close')).toMatchObject([
    { target: 'host:web1', actor: 'admin', detail: { bytes_in, bytes_out: bytes_in - 5 } },
  ])
  expect(await audited('host.terminal_open')).toHaveLength(1)

  // A page that goes away takes the shell with it.
  const left = terminal('web1')
  await until(() => left.messages.length > 0)
  left.socket.close()
  await until(async () => (await audited('host.terminal_close')).length === 2)
  expect((await audited('host.terminal_close'))[0]).toMatchObject({ detail: { reason: 'the page was closed' } })
})

test('no terminal for others, from other pages, of hosts that are not ready, or where it is not allowed', async () => {
  const refused = async (name: string, token?: string) => {
    const { socket, messages } = terminal(name, token)
    await until(() => socket.readyState === WebSocket.CLOSED)
    return messages
  }
  expect(await refused('web1', operator.token)).toMatchObject([{ type: 'closed', code: 'permission_denied' }])
  expect(await refused('nowhere')).toMatchObject([{ type: 'closed', code: 'not_found' }])
  expect(await refused('away')).toMatchObject([{ type: 'closed', code: 'failed_precondition' }])
  await hosts().change({ name: 'web1', auth: { method: 'password', password: `${canary}-wrong` } })
  expect(await refused('web1')).toMatchObject([{ code: 'unavailable', reason: expect.stringContaining('let us in') }])
  const foreign = terminal('web1', server.localToken, { origin: 'https://evil.example' })
  const status = new Promise((resolve) =>
    foreign.socket.on('unexpected-response', (_, response) => resolve(response.statusCode)),
  )
  foreign.socket.on('error', () => {})
  expect(await status).toBe(403)
  server.config.webTerminal = false
  expect(await refused('web1')).toMatchObject([{ code: 'failed_precondition' }])
  expect((await hosts().get({ name: 'web1' })).terminal).toBe(false)
})

test('whoever hears of incidents has heard of the key', async () => {
  const told = async () => (await server.client.calls.messageDeliveries.list({ channel: 'ops' })).deliveries
  await until(async () => (await told()).length > 0)
  expect(await told()).toMatchObject([
    { subject: 'Host web1 shows another key', about: expect.stringMatching(/^host:web1:/) },
  ])
})

test('no credential is in any answer, in the audit log, or readable in the database', async () => {
  const seen = [await hosts().list({}), await server.client.calls.audit.list({ limit: 200 })]
  expect(JSON.stringify(seen)).not.toContain(canary)
  const { rows } = await server.db.query<{ all: string }>(
    `select concat((select string_agg(h::text, ' ') from hosts h), (select string_agg(a::text, ' ') from audit_log a)) as all`,
  )
  expect(rows[0]!.all).not.toContain(canary)
  expect(rows[0]!.all).not.toContain(Buffer.from(canary).toString('hex'))
  await hosts().delete({ name: 'web1' })
  expect((await audited('host.delete')).at(0)).toMatchObject({ result: 'done', target: 'host:web1' })
})
