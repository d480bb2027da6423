import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import type { BlobStore } from './blobs/blob-store.ts'
import { createDirectoryBlobStore } from './blobs/directory-blob-store.ts'
import { followPages } from './follow.ts'
import { createLocalLogStore } from './local-log-store.ts'
import { outputOf, recordsOf, sample, streams } from './log-samples.ts'
import type { LogReader } from './log-store.ts'
import { createSharedLogs, sharedLogName } from './shared-logs.ts'
import { shortLog } from './short-log.ts'
import { readStoredCopies } from './stored-copies.ts'

/** What goes with a report. */
const few = sample.slice(0, 2)

function scratch(): string {
  const dir = scratchDir('shared')
  onTestFinished(() => removeScratch(dir))
  return dir
}

/** Counts what is asked of it. */
function counted(blobs: BlobStore) {
  const asked = { gets: 0, bytes: 0 }
  const get: BlobStore['get'] = (name, offset, length) => {
    asked.gets += 1
    asked.bytes += length
    return blobs.get(name, offset, length)
  }
  return { asked, blobs: { ...blobs, get } }
}

const outputFrom = async (reader: LogReader, key: string, stream: (typeof streams)[number], offset = 0) => {
  const parts: Buffer[] = []
  for await (const pieces of followPages(reader, key, { stream, offset })) {
    for (const piece of pieces) if (piece.stream !== 'mark') parts.push(piece.bytes)
  }
  return Buffer.concat(parts)
}

test('a sealed log reads the same from the store as from the directory, at any window', async () => {
  const [here, there] = [scratch(), scratch()]
  const store = createLocalLogStore(here)
  onTestFinished(() => store.close())
  const shared = createSharedLogs(createDirectoryBlobStore(there))
  const written = Array.from({ length: 40 }, (_, i) => ({
    stream: i % 3 ? ('stdout' as const) : ('stderr' as const),
    bytes: Buffer.alloc(30_000 + i * 997, `${i} `),
  }))
  const file = recordsOf(written)
  await store.append('12345-1', 0, file)
  const sums = await store.seal('12345-1', file.length)
  const copy = await readStoredCopies(here).open('12345-1')
  await shared.put('12345-1', copy!)
  await copy!.close()
  expect(await shared.sealed('12345-1')).toEqual(sums)
  expect(await shared.sealed('12345-2')).toBeNull()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...streams), fc.nat(1_900_000), fc.nat(300_000), async (stream, offset, limit) => {
      const wanted = { stream, offset, limit }
      expect(await shared.read('12345-1', wanted)).toEqual(await store.read('12345-1', wanted))
    }),
    { numRuns: 60 },
  )
  for (const stream of streams) {
    expect(await shared.size('12345-1', stream)).toBe(outputOf(written, stream).length)
    expect((await outputFrom(shared, '12345-1', stream)).equals(outputOf(written, stream))).toBe(true)
    expect((await outputFrom(shared, '12345-1', stream, 5_001)).equals(outputOf(written, stream).subarray(5_001))).toBe(
      true,
    )
  }
})

test('a short log, and an empty one, are put and read in one request each', async () => {
  const { asked, blobs } = counted(createDirectoryBlobStore(scratch()))
  const shared = createSharedLogs(blobs)
  const file = recordsOf(few)
  expect(await shared.putShort('1-1', shortLog(file, file.length))).toMatchObject({ length: file.length })
  expect((await outputFrom(shared, '1-1', 'all')).equals(outputOf(few, 'all'))).toBe(true)
  expect((await outputFrom(shared, '1-1', 'stderr')).equals(outputOf(few, 'stderr'))).toBe(true)
  expect(asked.gets).toBe(1)
  await shared.putShort('2-1', shortLog(Buffer.alloc(0), 0))
  expect(await shared.size('2-1', 'all')).toBe(0)
  expect((await outputFrom(shared, '2-1', 'all')).length).toBe(0)
})

test('many followers of a long log read its blocks once', async () => {
  const here = scratch()
  const store = createLocalLogStore(here)
  onTestFinished(() => store.close())
  const { asked, blobs } = counted(createDirectoryBlobStore(scratch()))
  const shared = createSharedLogs(blobs)
  // Not to be compressed away.
  const written = Array.from({ length: 60 }, (_, i) => ({
    stream: 'stdout' as const,
    bytes: Buffer.from(Array.from({ length: 60_000 }, (__, j) => (i * 7919 + j * j * 31 + (j >> 3)) & 255)),
  }))
  const file = recordsOf(written)
  await store.append('5-1', 0, file)
  await store.seal('5-1', file.length)
  const copy = await readStoredCopies(here).open('5-1')
  await shared.put('5-1', copy!)
  await copy!.close()
  const all = await Promise.all(Array.from({ length: 20 }, () => outputFrom(shared, '5-1', 'all')))
  for (const bytes of all) expect(bytes.equals(outputOf(written, 'all'))).toBe(true)
  expect(asked.bytes).toBeLessThan(2 * copy!.size)
})

test('what is missing or damaged is an error in words, never an empty log', async () => {
  const dir = scratch()
  const shared = createSharedLogs(createDirectoryBlobStore(dir))
  await expect(shared.size('7-1', 'all')).rejects.toMatchObject({
    code: 'unavailable',
    message: `the log 7-1 should be in the log store file://${dir} and is not there`,
  })
  const file = recordsOf(few)
  await shared.putShort('7-1', shortLog(file, file.length))
  const path = join(dir, sharedLogName('7-1'))
  writeFileSync(path, readFileSync(path).subarray(0, -1))
  await expect(createSharedLogs(createDirectoryBlobStore(dir)).size('7-1', 'all')).rejects.toThrow('is damaged')
  await shared.remove('7-1')
  await shared.remove('7-1')
  expect(await shared.sealed('7-1')).toBeNull()
})
