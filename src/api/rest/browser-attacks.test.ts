/** What a page of somebody else, or the output of a job, could do with the browser of who is signed in. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner } from '../../../test/fake-runner.ts'
import { liveSocket } from '../../../test/live-socket.ts'
import { adminPassword, runningServer, type TestServer } from '../../../test/running-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await runningServer({ RUNYARD_TRUST_PROXY: 'true' })
})
afterAll(() => server.close())

test('W1: a session that sends frames of a runner or an administrator is answered with a refusal, and nothing happens', async () => {
  const anna = await server.person('operator')
  const { id } = await server.client.calls.jobs.submit({ command: ['true'] })
  const live = await liveSocket(server.url, anna.token)
  const frames = [
    { type: 'cancel', id: 'a', job_id: id },
    { type: 'subscribe', id: 'b', topic: 'audit' },
    { type: 'subscribe', id: 'c', topic: 'jobs', owner: 'admin' },
    { type: 'job', sub: 'd', job: { id, state: 'succeeded' } },
    { type: '__proto__' },
  ]
  for (const frame of frames) {
    const before = live.came.length
    live.send(frame as never)
    await live.until((message) => message.type === 'error' && live.came.indexOf(message) >= before)
  }
  expect(live.came.map((message) => message.type)).toEqual(frames.map(() => 'error'))
  expect((await server.client.calls.jobs.get({ id })).state).toBe('queued')
  live.socket.terminate()
})

test('W2: markup in a name is text of a JSON answer, never a page', async () => {
  const name = `<img src=x onerror=alert(1)>\u202e"';</script>`
  const { id } = await server.client.calls.jobs.submit({ command: ['true'], name })
  const answer = await server.fetch(`/jobs/${id}`, { headers: { accept: 'text/html' } })
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(((await answer.json()) as { name: string }).name).toBe(name)
  const missing = await server.fetch('/jobs/%3Cscript%3Ealert(1)', { headers: { accept: 'text/html' } })
  expect(missing.headers.get('content-type')).toMatch(/^application\/problem\+json/)
})

test('W3: a log that is a page is saved, not shown, and would be powerless', async () => {
  const runner = await fakeRunner(server.runnerSocket)
  const { id } = await server.client.calls.jobs.submit({ command: ['true'] })
  for (let assignment = await runner.claimOne(); ; assignment = await runner.claimOne()) {
    await runner.started(assignment)
    await runner.write(assignment, '<!doctype html><svg onload=alert(1)>')
    await runner.finish(assignment, { state: 'succeeded', exit_code: 0 })
    if ((await server.client.calls.jobs.get({ id })).ended_at !== null) break
  }
  for (const query of ['', '?stream=stdout', '?download=true', '?download=false']) {
    const { headers } = await server.fetch(`/jobs/${id}/logs${query}`, { headers: { accept: 'text/html' } })
    const disposition = query === '?download=false' ? /^inline/ : /^attachment/
    expect([query, headers.get('content-disposition')]).toEqual([query, expect.stringMatching(disposition)])
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox; frame-ancestors 'none'")
  }
})

test('W4: nothing of it is framed; over TLS the cookie belongs to this very host', async () => {
  for (const path of ['/', '/jobs', '/api/v1/health', '/api/v1/openapi.json']) {
    const { headers } = await fetch(server.url + path)
    expect([path, headers.get('content-security-policy')]).toEqual([
      path,
      expect.stringMatching(/frame-ancestors 'none'/),
    ])
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN')
  }
  const signIn = async (proto: string) => {
    const origin = server.url.replace('http:', `${proto}:`)
    const response = await server.fetch('/auth/session', {
      method: 'POST',
      token: '',
      headers: { 'content-type': 'application/json', 'x-forwarded-proto': proto, origin },
      body: JSON.stringify({ username: 'admin', password: adminPassword }),
    })
    return response.headers.get('set-cookie') ?? ''
  }
  const cookie = await signIn('https')
  expect(cookie).toMatch(/^__Host-runyard_session=.+; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
  expect(cookie).not.toMatch(/domain/i)
  const [, token] = /=([^;]+)/.exec(cookie)!
  const me = (name: string, proto: string) =>
    server.fetch('/me', { token: '', headers: { cookie: `${name}=${token}`, 'x-forwarded-proto': proto } })
  expect((await me('__Host-runyard_session', 'https')).status).toBe(200)
  // Over TLS the name that any plain page of the host could have set counts for nothing.
  expect((await me('runyard_session', 'https')).status).toBe(401)
  expect((await me('runyard_session', 'http')).status).toBe(200)
  expect(await signIn('http')).toMatch(/^runyard_session=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Strict$/)
})
