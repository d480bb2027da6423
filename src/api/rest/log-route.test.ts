import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type TestServer } from '../../../test/running-server.ts'

let server: TestServer
let id: string
/** NUL, broken UTF-8, no newline at the end. */
const out = Buffer.concat([Buffer.from('0123456789\0'), Buffer.from([0xff, 0xfe, 0xc3]), Buffer.from('tail')])
const err = Buffer.from('<script>alert(1)</script>')

beforeAll(async () => {
  server = await runningServer()
  const runner = await fakeRunner(server.runnerSocket)
  id = (await server.client.calls.jobs.submit({ command: ['true'] })).id
  const assignment = await runner.claimOne()
  await runner.started(assignment)
  await runner.write(assignment, out.subarray(0, 8))
  await runner.write(assignment, err, 'stderr')
  await runner.write(assignment, out.subarray(8))
  await runner.finish(assignment, { state: 'succeeded', exit_code: 0 })
})
afterAll(() => server.close())

const get = (query: string, headers: Record<string, string> = {}, method = 'GET') =>
  server.fetch(`/jobs/${id}/logs${query}`, { headers, method })
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer())

test('each stream apart is exactly what was written; all is the order of arrival', async () => {
  expect((await bytesOf(await get('?stream=stdout'))).equals(out)).toBe(true)
  expect((await bytesOf(await get('?stream=stderr'))).equals(err)).toBe(true)
  const all = Buffer.concat([out.subarray(0, 8), err, out.subarray(8)])
  expect((await bytesOf(await get(''))).equals(all)).toBe(true)
})

test('ranges: parts, tails, HEAD, and 416 past the end', async () => {
  const part = await get('?stream=stdout', { range: 'bytes=4-12' })
  expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 4-12/${out.length}`])
  expect((await bytesOf(part)).equals(out.subarray(4, 13))).toBe(true)
  const tail = await get('?stream=stdout', { range: 'bytes=-4' })
  expect((await bytesOf(tail)).toString()).toBe('tail')
  const head = await get('?stream=stdout', {}, 'HEAD')
  expect([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges')]).toEqual([
    200,
    String(out.length),
    'bytes',
  ])
  const past = await get('?stream=stdout', { range: `bytes=${out.length}-` })
  expect([past.status, past.headers.get('content-range')]).toEqual([416, `bytes */${out.length}`])
  const read = await server.client.readLog({ jobId: id, stream: 'stdout', offset: 4, limit: 9 })
  expect([read.bytes.equals(out.subarray(4, 13)), read.size]).toEqual([true, out.length])
})

test('a browser never runs it', async () => {
  const response = await get('?stream=stderr')
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(response.headers.get('content-security-policy')).toMatch(/sandbox/)
  const saved = await get('?stream=stderr&download=true')
  expect(saved.headers.get('content-disposition')).toBe(`attachment; filename="${id}.1.stderr.log"`)
})

test('a job that never ran has an empty log; an attempt that never was is not found', async () => {
  await server.client.calls.queues.put({ name: 'parked', paused: true })
  const waiting = await server.client.calls.jobs.submit({ command: ['true'], queue: 'parked' })
  const empty = await server.fetch(`/jobs/${waiting.id}/logs`)
  expect([empty.status, (await bytesOf(empty)).length]).toEqual([200, 0])
  expect((await get('?attempt=2')).status).toBe(404)
  for (const query of ['?stream=both', '?attempt=0', '?attempt=x', '?offset=1']) {
    expect([query, (await get(query)).status]).toEqual([query, 422])
  }
})
