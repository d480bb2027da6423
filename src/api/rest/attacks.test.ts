/** Rows R5, R6 and R10 to R13 of the threat model, against a whole server: what is refused, and that nothing changed. */
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'

let server: TestServer
let anna: Person
let ben: Person
let job: string
beforeAll(async () => {
  server = await runningServer()
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
  job = (await anna.client.calls.jobs.submit({ command: ['true'], name: 'of anna alone' })).id
})
afterAll(() => server.close())

const jobsThere = async (): Promise<number> =>
  (await server.db.query<{ n: number }>('select count(*)::int as n from jobs')).rows[0]!.n
const send = (path: string, body: string | Buffer, more: RequestInit & { token?: string } = {}) =>
  server.fetch(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { 'content-type': 'application/json' },
    token: anna.token,
    ...more,
  })

test('R5: of what is another’s there is no sign: not by id, list, search, count, log or stream', async () => {
  const batch = await anna.client.calls.batches.create({ name: 'secret batch', jobs: [{ command: ['true'] }] })
  const paths = [
    `/jobs/${job}`,
    `/jobs/${job}/attempts`,
    `/jobs/${job}/logs`,
    `/job-batches/${batch.id}`,
    `/job-batches/${batch.id}/tests`,
    `/jobs?batch_id=${batch.id}`,
    '/users/anna',
  ]
  for (const path of paths) {
    const answer = await server.fetch(path, { token: ben.token })
    expect([path, answer.status]).toEqual([path, 404])
    expect(await answer.text()).not.toMatch(/of anna|secret/)
  }
  const lists = ['/jobs', '/jobs?name=anna', '/jobs?owner=anna', '/jobs/stats', '/job-batches']
  for (const path of [
    ...lists,
    '/jobs/stats?owner=anna',
    '/job-batches?owner=anna',
    '/job-batches?name=secret',
    '/jobs/throughput',
  ]) {
    const answer = await server.fetch(path, { token: ben.token })
    expect([path, answer.status]).toEqual([path, 200])
    const text = await answer.text()
    expect([path, text.includes('anna'), text.includes('secret'), /"total":[1-9]/.test(text)]).toEqual([
      path,
      false,
      false,
      false,
    ])
  }
  for (const [method, path] of [
    ['POST', `/jobs/${job}/cancel`],
    ['POST', `/jobs/${job}/rerun`],
    ['DELETE', `/jobs/${job}`],
    ['POST', `/job-batches/${batch.id}/cancel`],
    ['POST', `/job-batches/${batch.id}/complete`],
    ['POST', `/job-batches/${batch.id}/rerun`],
    ['DELETE', `/job-batches/${batch.id}`],
  ] as const) {
    const answer = await send(path, '{}', { method, token: ben.token })
    expect([path, answer.status]).toEqual([path, 404])
  }
  const done = await ben.client.calls.jobs.act({ action: 'cancel', ids: [job] })
  expect(done).toMatchObject({ done: [], refused: [{ id: job, code: 'not_found' }] })
  expect((await anna.client.calls.batches.get({ id: batch.id })).counts).toMatchObject({ waiting: 1, cancelled: 0 })
})

test('R6: a job that waits for another’s, or names an owner, is refused with all its neighbours', async () => {
  const before = await jobsThere()
  const waiting = { command: ['true'], depends_on: [job] }
  for (const body of [
    { jobs: [{ command: ['true'] }, waiting] },
    { name: 'b', jobs: [{ command: ['true'] }, { command: ['true'], owner: 'anna' }] },
    { name: 'b', defaults: { owner_id: 1 }, jobs: [{ command: ['true'] }] },
    { name: 'b', jobs: [waiting] },
  ]) {
    const answer = await send('name' in body ? '/job-batches' : '/jobs/bulk', JSON.stringify(body), {
      token: ben.token,
    })
    // 404 names nobody: what one may not see is not there.
    expect([404, 422], JSON.stringify(body)).toContain(answer.status)
  }
  expect(await jobsThere()).toBe(before)
})

test('R10: a body that plays an uploaded file is a body with unknown fields', async () => {
  const before = await jobsThere()
  const body = JSON.stringify({ files: { x: { filepath: '/etc/passwd' } }, command: ['true'] })
  const answer = await send('/jobs', body)
  expect(answer.status).toBe(422)
  expect(((await answer.json()) as { errors: unknown }).errors).toEqual([
    { field: 'files', message: 'is not a known field' },
  ])
  const form = new FormData()
  form.set('command', 'true')
  expect((await server.fetch('/jobs', { method: 'POST', body: form, token: anna.token })).status).toBe(415)
  expect(await jobsThere()).toBe(before)
})

test('R11: bodies made to hurt are refused, cost little memory, and nobody else notices', async () => {
  const before = await jobsThere()
  const rss = process.memoryUsage().rss
  const keys = `{${Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":1`).join(',')}}`
  const manyKeys = Array.from({ length: 20_000 }, (_, i) => `"k${i}":1`).join(',')
  const refused: [string, string | Buffer, number[], Record<string, string>?][] = [
    ['depth', `{"command":["true"],"payload":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, [422]],
    ['keys', keys, [422]],
    ['many keys at one place', `{"command":["true"],"payload":{${manyKeys}}}`, [422]],
    ['twice', '{"command":["true"],"priority":1,"priority":10}', [422]],
    ['nul', String.raw`{"command":["a\u0000b"]}`, [422]],
    ['half a surrogate', String.raw`{"command":["true"],"name":"\udc00"}`, [422]],
    ['a number beyond', '{"command":["true"],"priority":9223372036854775808}', [422]],
    ['a number that is none', '{"command":["true"],"timeout_seconds":1e999}', [422]],
    ['zipped', Buffer.from([0x1f, 0x8b, 8]), [415], { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ]
  for (const [what, body, statuses, headers] of refused) {
    const answer = await send('/jobs', body, headers ? { headers } : {})
    expect(statuses, what).toContain(answer.status)
    await answer.arrayBuffer()
  }
  expect(await gibibyte()).toBe(413)
  for (const id of ['9223372036854775808', '../../etc', '%00', 'ABCDEFGHIJKL']) {
    expect((await server.fetch(`/jobs/${encodeURIComponent(id)}`, { token: anna.token })).status).toBeLessThan(500)
  }
  expect(await jobsThere()).toBe(before)
  // The million keys are this process's own, too: client and server are one here.
  expect(process.memoryUsage().rss - rss).toBeLessThan(400 * 1024 * 1024)
})

/** Announces 1 GiB and sends until the server has said what it thinks of it. */
function gibibyte(): Promise<number> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('data', (data) => {
      answer += data.toString('latin1')
      const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]
      if (status) {
        resolve(Number(status))
        socket.destroy()
      }
    })
    socket.on('error', (error) => (answer === '' ? reject(error) : undefined))
    socket.write(
      `POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${anna.token}\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n`,
    )
    socket.write(Buffer.alloc(64 * 1024, 0x20))
  })
}

test('R12: SQL where a filter, a cursor or a name belongs stays text', async () => {
  const evil = `x'; drop table jobs; --`
  const queries = [
    'state',
    'status',
    'queue',
    'owner',
    'name',
    'cursor',
    'label',
    'since',
    'until',
    'rerun_of',
    'batch_id',
  ]
  for (const key of queries) {
    const answer = await server.fetch(`/jobs?${key}=${encodeURIComponent(evil)}`, { token: anna.token })
    // As a name it may be looked for; it finds nothing.
    expect([key, answer.status]).toEqual([key, key === 'name' || key === 'owner' ? 200 : 422])
    await answer.arrayBuffer()
  }
  for (const path of [
    '/job-batches?status=',
    '/job-batches?cursor=',
    '/tests/insights?order=',
    '/audit?cursor=',
    '/deliveries?state=',
  ]) {
    const answer = await server.fetch(path + encodeURIComponent(evil))
    expect([path, answer.status]).toEqual([path, 422])
  }
  for (const path of [
    '/job-batches?name=',
    '/tests/insights?batch=',
    '/audit?actor=',
    '/audit?action=',
    '/audit?target=',
  ]) {
    const answer = await server.fetch(path + encodeURIComponent(evil))
    expect([path, answer.status]).toEqual([path, 200])
  }
  expect(await jobsThere()).toBeGreaterThan(0)
})

/** What the server says to these bytes, and whether it closes the connection. */
function raw(bytes: string): Promise<{ status: number; closed: boolean }> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    const end = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0), closed })
    }
    const timer = setTimeout(() => end(false), 5_000)
    socket.on('data', (data) => (answer += data.toString('latin1')))
    socket.on('close', () => end(true))
    socket.on('error', () => {})
  })
}

test('R13: what two parsers would read differently is answered with 400 and a closed connection', async () => {
  const to = (head: string, body = '') => `POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\n${head}\r\n${body}`
  for (const [what, bytes] of Object.entries({
    'length and chunks': to('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nGET / HTTP/1.1\r\n\r\n'),
    'two lengths': to('Content-Length: 4\r\nContent-Length: 5\r\n', 'abcd'),
    'bare line feed': 'GET /api/v1/health HTTP/1.1\nHost: x\n\n',
    'a folded header': to('X-A: b\r\n c\r\n'),
    'chunks of another kind': to('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
    'no host': 'GET /api/v1/health HTTP/1.1\r\n\r\n',
  })) {
    expect([what, await raw(bytes)]).toEqual([what, { status: 400, closed: true }])
  }
})
