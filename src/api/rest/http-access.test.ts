/** Which addresses are pages, open to all, and which ask who it is: whatever could be read as one of the API. */
import cookie from '@fastify/cookie'
import fastify from 'fastify'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { AppError } from '../../lib/app-error.ts'
import { installAccess, isApiPath } from './http-access.ts'

test('names in the address of a page may be encoded; what decodes to another path is refused', () => {
  const pages = ['my.pipeline', 'a%20b', 'a%2Bb', 'a+b', 'x%3Ay%40z', 'n%C3%A4chtlich', 'v1.2?tab=%2Fapi&x=..%2f']
  for (const name of pages) expect([name, isApiPath(`/pipelines/${name}`)]).toEqual([name, false])
  const tricks = [
    ...['..%2fapi/v1/jobs', '%2e%2e/api/v1/jobs', '.%2e/x', '..', '.', 'a/../../api', 'a%2Fb', 'a%5Cb', 'a\\b'],
    ...['%252e%252e', 'a%2520b', '%', '%zz', '%C3', 'a%00b', 'a%0Ab', 'a;b', 'a%3Bb', 'a%3Fb', 'a%23b', '/x'],
  ]
  for (const name of tricks) expect([name, isApiPath(`/pipelines/${name}`)]).toEqual([name, true])
  for (const path of ['/%61pi/v1/jobs', '/ap%69', '/API/v1', '//api', '/%6detrics', '/%70ipelines/x', 'http://h/api']) {
    expect([path, isApiPath(path)]).toEqual([path, true])
  }
})

test('however the address of a route is spelt, nothing reaches it without a principal', async () => {
  const app = fastify()
  onTestFinished(() => app.close())
  await app.register(cookie)
  let reached = 0
  installAccess(app, {
    authenticate: () => Promise.reject(new AppError('unauthenticated', 'sign in first')),
    corsOrigins: [],
  })
  for (const url of ['/api/v1/jobs', '/api/v1/jobs/:id', '/metrics']) app.get(url, () => `reached ${++reached}`)
  const encoded = (char: string) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  const spelt = fc
    .constantFrom('/api/v1/jobs', '/api/v1/jobs/a.b', '/metrics', '/pipelines/../api/v1/jobs', '//api/v1/jobs/')
    .chain((path) =>
      fc.tuple(
        ...path
          .split('')
          .map((char) =>
            fc.oneof(
              { weight: 8, arbitrary: fc.constant(char) },
              fc.constantFrom(encoded(char), encoded(char).toUpperCase(), `%25${encoded(char).slice(1)}`, `${char}/`),
            ),
          ),
      ),
    )
    .map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(spelt, async (url) => {
      await app.inject({ url })
      expect(reached).toBe(0)
    }),
    { numRuns: 500 },
  )
})
