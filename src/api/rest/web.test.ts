import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { removeScratch, scratchDir } from '../../../test/scratch.ts'
import { installWeb } from './web.ts'

test('the dashboard is served with its routes; only hashed files are kept by browsers', async () => {
  const root = scratchDir('w')
  mkdirSync(join(root, 'assets'))
  writeFileSync(join(root, 'index.html'), '<!doctype html><title>dashboard</title>')
  writeFileSync(join(root, 'assets', 'app-1a2b.js'), 'export {}')
  writeFileSync(join(root, '..', 'runyard-outside.txt'), 'outside')
  const app = fastify()
  onTestFinished(async () => {
    await app.close()
    removeScratch(join(root, '..', 'runyard-outside.txt'))
    removeScratch(root)
  })
  await installWeb(app, root)
  const names = ['my.pipeline', 'deploy.v1.2', 'a%20b', 'a%2Bb', 'a+b', 'a:b@c', 'n%C3%A4chtlich', 'app.js']
  const pages = names.map((name) => `/pipelines/${name}?tab=runs`)
  for (const url of ['/', '/jobs/abcdefghijkl', '/login?next=%2Fjobs', ...pages]) {
    const page = await app.inject({ url, headers: { accept: 'text/html' } })
    expect([url, page.statusCode, page.headers['cache-control']]).toEqual([url, 200, 'no-cache'])
    expect(page.body).toMatch(/dashboard/)
  }
  const asset = await app.inject({ url: '/assets/app-1a2b.js' })
  expect(asset.headers['cache-control']).toMatch(/immutable/)
  for (const url of ['/assets/gone.js', '/gone.js', '/robots.txt', '/assets/a/gone']) {
    expect([url, (await app.inject({ url })).statusCode]).toEqual([url, 404])
  }
  expect((await app.inject({ url: '/api/v1/nothing' })).statusCode).toBe(404)
  expect((await app.inject({ method: 'POST', url: '/jobs' })).statusCode).toBe(404)
  for (const url of [
    '/../runyard-outside.txt',
    '/%2e%2e/runyard-outside.txt',
    '/assets/..%2f..%2frunyard-outside.txt',
  ]) {
    expect((await app.inject({ url })).body).not.toMatch(/outside/)
  }
})

test('browsers get the compressed file that they take, and the same text', async () => {
  const root = scratchDir('w')
  mkdirSync(join(root, 'assets'))
  const text = 'export const words = "dashboard dashboard dashboard"'
  writeFileSync(join(root, 'index.html'), '<!doctype html><title>small</title>')
  writeFileSync(join(root, 'assets', 'app-1a2b.js'), text)
  writeFileSync(join(root, 'assets', 'app-1a2b.js.br'), brotliCompressSync(text))
  writeFileSync(join(root, 'assets', 'app-1a2b.js.gz'), gzipSync(text))
  const app = fastify()
  onTestFinished(async () => {
    await app.close()
    removeScratch(root)
  })
  await installWeb(app, root)
  const get = async (url: string, encoding: string) => {
    const { rawPayload, headers } = await app.inject({ url, headers: { 'accept-encoding': encoding } })
    return { body: rawPayload, encoding: headers['content-encoding'], type: headers['content-type'], headers }
  }
  const brotli = await get('/assets/app-1a2b.js', 'gzip, deflate, br')
  expect([brotli.encoding, brotliDecompressSync(brotli.body).toString()]).toEqual(['br', text])
  expect(brotli.type).toMatch(/javascript/)
  expect(brotli.headers['cache-control']).toMatch(/immutable/)
  expect(brotli.headers.vary).toMatch(/accept-encoding/i)
  const gzipped = await get('/assets/app-1a2b.js', 'gzip')
  expect([gzipped.encoding, gunzipSync(gzipped.body).toString()]).toEqual(['gzip', text])
  expect(await get('/assets/app-1a2b.js', 'identity')).toMatchObject({ encoding: undefined, body: Buffer.from(text) })
  // Too small to be worth it.
  expect(await get('/', 'br')).toMatchObject({ encoding: undefined })
  expect((await get('/jobs/abc', 'br')).body.toString()).toMatch(/small/)
})
