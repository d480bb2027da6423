import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { removeScratch, scratchDir } from '../../../test/scratch.ts'
import { blobStoreConformance } from './blob-store-conformance.ts'
import { blobOf } from './blob-store.ts'
import { createDirectoryBlobStore } from './directory-blob-store.ts'

blobStoreConformance('directory', async () => {
  const dir = scratchDir('blobs')
  return { store: createDirectoryBlobStore(dir), cleanUp: async () => removeScratch(dir) }
})

function scratch(): string {
  const dir = scratchDir('blobs')
  onTestFinished(() => removeScratch(dir))
  return dir
}

test('a directory that is not there is not made, and reading does not say that logs are gone', async () => {
  const dir = join(scratch(), 'mount')
  const store = createDirectoryBlobStore(dir)
  const away = { code: 'unavailable', message: `the log store file://${dir} is not there: is it mounted?` }
  await expect(store.check()).rejects.toMatchObject({
    code: 'failed_precondition',
    message: `RUNYARD_LOG_STORE: ${away.message}`,
  })
  await expect(store.put('a/b', blobOf(Buffer.from('x')))).rejects.toMatchObject(away)
  await expect(store.get('a/b', 0, 1)).rejects.toMatchObject(away)
  await expect(store.stat('a/b')).rejects.toMatchObject(away)
  await expect(store.delete('a/b')).rejects.toMatchObject(away)
  expect(existsSync(dir)).toBe(false)
  mkdirSync(dir)
  await store.put('a/b', blobOf(Buffer.from('x')))
  rmSync(dir, { recursive: true })
  await expect(store.get('a/b', 0, 1)).rejects.toMatchObject(away)
})

test('drafts of servers that died are removed, younger ones and blobs are not', async () => {
  const dir = scratch()
  const store = createDirectoryBlobStore(dir)
  await store.put('a/b', blobOf(Buffer.from('x')))
  for (const name of ['old', 'young']) writeFileSync(join(dir, '.drafts', name), 'x')
  const before = new Date(Date.now() - 25 * 3600_000)
  for (const path of ['.drafts/old', 'a/b']) utimesSync(join(dir, path), before, before)
  await store.check()
  expect(readdirSync(join(dir, '.drafts'))).toEqual(['young'])
  expect(await store.stat('a/b')).toEqual({ size: 1 })
})
