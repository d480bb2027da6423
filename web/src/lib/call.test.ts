import { afterEach, expect, test, vi } from 'vitest'
import { clientOf } from './call.ts'
import { isMissing, problemOf } from './problem.ts'

const routes = {
  jobs: {
    get: ['GET', '/jobs/{id}'],
    list: ['GET', '/jobs'],
    submit: ['POST', '/jobs'],
    delete: ['DELETE', '/jobs/{id}'],
  },
} satisfies Parameters<typeof clientOf>[0]
const api = clientOf(routes, '/api/v1') as {
  jobs: Record<keyof typeof routes.jobs, (input?: object, options?: object) => Promise<unknown>>
}

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => {
  const send = vi.fn((_url: string, _init: RequestInit) =>
    Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status, headers })),
  )
  vi.stubGlobal('fetch', send)
  return send
}
afterEach(() => vi.unstubAllGlobals())

test('parts of the path are escaped; the rest is the query or the body', async () => {
  const get = answer(200, { id: 'a' })
  expect(await api.jobs.get({ id: 'a/../b' })).toEqual({ id: 'a' })
  expect(get.mock.calls[0]).toEqual([
    '/api/v1/jobs/a%2F..%2Fb',
    expect.objectContaining({ method: 'GET', body: undefined }),
  ])
  const list = answer(200, { jobs: [] })
  await api.jobs.list({ state: ['queued', 'running'], name: 'a&b', queue: undefined, cursor: null })
  expect(decodeURIComponent(list.mock.calls[0]![0])).toBe('/api/v1/jobs?state[0]=queued&state[1]=running&name=a&b')
  const submit = answer(202, {})
  await api.jobs.submit({ command: ['true'] }, { context: { idempotencyKey: 'k' } })
  expect(submit.mock.calls[0]![1]).toMatchObject({
    body: '{"command":["true"]}',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
  })
  const remove = answer(204, null)
  expect(await api.jobs.delete({ id: 'x' })).toBeUndefined()
  expect(remove.mock.calls[0]![1].body).toBeUndefined()
})

test('a refusal is thrown with its words, fields and patience', async () => {
  answer(404, { title: 'not_found', detail: 'no such job', errors: [] })
  expect(isMissing(await api.jobs.get({ id: 'a' }).catch((error: unknown) => error))).toBe(true)
  answer(429, { detail: 'slow down', errors: [{ field: 'a', message: 'b' }] }, { 'retry-after': '7' })
  const problem = problemOf(await api.jobs.list().catch((error: unknown) => error))
  expect(problem).toEqual({
    status: 429,
    message: 'Slow down',
    fields: [{ field: 'a', message: 'b' }],
    retryAfterSeconds: 7,
  })
})

test('an answer of something that is not this server is still an error in words', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('<html>', { status: 502 })))
  expect(problemOf(await api.jobs.list().catch((error: unknown) => error))).toMatchObject({
    status: 502,
    message: 'The server answered 502.',
  })
})
