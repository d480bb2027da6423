import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { s3Server, type S3Server } from '../../../test/s3-server.ts'
import { parseLogStore } from '../../config/log-store-url.ts'
import { blobStoreConformance } from './blob-store-conformance.ts'
import { blobOf, type BlobStore } from './blob-store.ts'
import { createS3BlobStore } from './s3-blob-store.ts'

function storeAt(url: string, timeoutMs?: number): BlobStore {
  const place = parseLogStore(url)
  if ('problem' in place || place.kind !== 's3') throw new Error('no bucket')
  return createS3BlobStore({ ...place, timeoutMs, pauseMs: 1 })
}

blobStoreConformance('S3', async () => {
  const server = await s3Server()
  return { store: storeAt(server.url('some/prefix')), cleanUp: () => server.close() }
})

let server: S3Server
beforeAll(async () => {
  server = await s3Server()
})
afterAll(() => server.close())

test('a wrong secret, a missing bucket and a server that is away are told in words, without the secret', async () => {
  const wrong = storeAt(server.url('', 'not-the-secret'))
  const refused = await wrong.put('a/b', blobOf(Buffer.from('x'))).catch((error: unknown) => error as Error)
  expect(refused).toMatchObject({
    code: 'unavailable',
    message: `the log store s3+http://127.0.0.1:${server.port}/logs-of-runyard refuses us (SignatureDoesNotMatch): check KEY:SECRET and region in RUNYARD_LOG_STORE`,
  })
  expect(await storeAt(server.url()).stat('a/b')).toBeNull()
  const nowhere = storeAt(server.url().replace('logs-of-runyard', 'no-bucket'))
  await expect(wrong.check()).rejects.toMatchObject({ code: 'failed_precondition' })
  await expect(nowhere.check()).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining('has no such bucket') as string,
  })
  await expect(nowhere.put('a/b', blobOf(Buffer.from('x')))).rejects.toThrow('has no such bucket')
  await server.away()
  const away = storeAt(server.url())
  const calls = [() => away.check(), () => away.put('a/b', blobOf(Buffer.from('x'))), () => away.get('a/b', 0, 1)]
  for (const call of calls) {
    await expect(call()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('does not answer: ECONNREFUSED') as string,
    })
  }
  await server.back()
  await away.put('a/b', blobOf(Buffer.from('x')))
  expect((await away.get('a/b', 0, 1))?.toString()).toBe('x')
})

test('one that fails twice is asked again; one that never answers is given up in time', async () => {
  let answers: (number | 'never')[] = []
  const fickle = createServer((request, response) => {
    request.resume()
    const answer = answers.shift() ?? 200
    if (answer === 'never') return
    response.writeHead(answer).end()
  })
  await new Promise<void>((resolve) => fickle.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    fickle.closeAllConnections()
    fickle.close()
  })
  const store = storeAt(`s3+http://k:s@127.0.0.1:${(fickle.address() as AddressInfo).port}/some-bucket`, 200)
  answers = [503, 500]
  await store.put('a/b', blobOf(Buffer.from('x')))
  answers = ['never']
  await store.put('a/b', blobOf(Buffer.from('x')))
  answers = [400]
  await expect(store.put('a/b', blobOf(Buffer.from('x')))).rejects.toThrow('answers 400')
  answers = ['never', 'never', 'never', 'never', 'never']
  await expect(store.put('a/b', blobOf(Buffer.from('x')))).rejects.toThrow('does not answer: no answer in time')
})
