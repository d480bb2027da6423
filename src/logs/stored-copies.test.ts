import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { createPacks, type Packs } from './packs.ts'
import { encodeRecord } from './records.ts'
import { shortLog } from './short-log.ts'
import { readStoredCopies, type StoredCopies } from './stored-copies.ts'

const logOf = (size: number, fill = 1): Buffer => encodeRecord('stdout', 1, Buffer.alloc(size, fill))
const items = (log: Buffer, ...keys: string[]) =>
  keys.map((attemptKey) => ({ attemptKey, log: shortLog(log, log.length) }))

interface Rig {
  root: string
  path: string
  packs: Packs
}

function rig(): Rig {
  const root = scratchDir('copies')
  const packs = createPacks(root, { cacheBytes: 1e6, async syncDirectory() {} })
  onTestFinished(async () => {
    await packs.close()
    removeScratch(root)
  })
  return { root, path: join(root, 'packs', '5.pack'), packs }
}

async function read(copies: StoredCopies, key: string): Promise<{ kind: string; bytes: Buffer } | null> {
  const copy = await copies.open(key)
  if (copy === null) return null
  const parts: Buffer[] = []
  for await (const chunk of copy.chunks()) parts.push(chunk)
  await copy.close()
  expect(Buffer.concat(parts)).toHaveLength(copy.size)
  return { kind: copy.kind, bytes: Buffer.concat(parts) }
}

test('packed logs are read, plain and compressed, and those that were removed are not there', async () => {
  const { root, packs } = rig()
  await packs.put(items(logOf(10), '5001-1', '5002-1'))
  await packs.put(items(logOf(9000), '5003-2', '6001-1'))
  await packs.remove('5001-1')
  const copies = readStoredCopies(root)
  expect(await read(copies, '5002-1')).toEqual({ kind: 'short', bytes: logOf(10) })
  expect(await read(copies, '5003-2')).toEqual({ kind: 'short', bytes: logOf(9000) })
  expect(await read(copies, '6001-1')).toEqual({ kind: 'short', bytes: logOf(9000) })
  expect(await read(copies, '7001-1')).toBeNull()
  expect(await read(copies, '5001-1')).toBeNull()
  expect(await read(copies, '5003-1')).toBeNull()
})

test('an end that is just being written is left out, and the file stays as it is', async () => {
  const { root, path, packs } = rig()
  await packs.put(items(logOf(10), '5001-1', '5002-1'))
  const whole = readFileSync(path)
  for (let cut = 1; cut < 60; cut++) {
    truncateSync(path, whole.length - cut)
    const copies = readStoredCopies(root)
    expect(await read(copies, '5001-1')).toEqual({ kind: 'short', bytes: logOf(10) })
    expect(await read(copies, '5002-1')).toBeNull()
    expect(readFileSync(path)).toHaveLength(whole.length - cut)
    appendFileSync(path, whole.subarray(whole.length - cut))
  }
})

test('what the store does between two logs changes nothing that was there', async () => {
  const { root, packs, path } = rig()
  const large = 60_000
  const random = (): Buffer => encodeRecord('stdout', 1, crypto.getRandomValues(Buffer.alloc(large)))
  const keep = random()
  await packs.put(items(keep, '5001-1', '5900-1'))
  for (let i = 100; i < 140; i++) await packs.put(items(random(), `5${i}-1`))
  const copies = readStoredCopies(root)
  expect((await read(copies, '5001-1'))?.bytes).toEqual(keep)
  const before = readFileSync(path).length
  // Enough of them that the store copies the rest into another file.
  for (let i = 100; i < 140; i++) await packs.remove(`5${i}-1`)
  expect(readFileSync(path).length).toBeLessThan(before / 2)
  await packs.put(items(logOf(10), '5002-1'))
  expect((await read(copies, '5900-1'))?.bytes).toEqual(keep)
  for (const key of ['5001-1', '5002-1', '5900-1']) await packs.remove(key)
  expect(readdirSync(join(root, 'packs'))).toEqual([])
  expect((await read(copies, '5900-1'))?.bytes).toEqual(keep)
  expect(await read(readStoredCopies(root), '5900-1')).toBeNull()
})

test('a log that the disk has damaged is not passed on', async () => {
  const { root, path, packs } = rig()
  await packs.put(items(logOf(10), '5001-1', '5002-1'))
  const bytes = readFileSync(path)
  bytes[8 + 49 + 20]! ^= 1
  writeFileSync(path, bytes)
  const copies = readStoredCopies(root)
  expect(await read(copies, '5001-1')).toBeNull()
  expect(await read(copies, '5002-1')).toEqual({ kind: 'short', bytes: logOf(10) })
})
