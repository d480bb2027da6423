import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { follow } from './follow.ts'
import { createLocalLogStore } from './local-log-store.ts'
import { collect, outputOf, readAll, recordsOf, sample, type Written } from './log-samples.ts'
import type { LogStore, StoredLog } from './log-store.ts'
import { encodeMark, encodeRecord } from './records.ts'
import { longestShortLog, shortLog } from './short-log.ts'

const made: string[] = []
const newDirectory = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'runyard-packs-'))
  made.push(path)
  return path
}
afterAll(() => Promise.all(made.map((path) => rm(path, { recursive: true, force: true }))))

const record = (text: string): Buffer => encodeRecord('stdout', 1_700_000_000_000, Buffer.from(text))
const short = (bytes: Buffer) => shortLog(bytes, bytes.length)
const put = (store: LogStore, ...logs: [string, string][]) =>
  store.sealShort(logs.map(([attemptKey, text]) => ({ attemptKey, log: short(record(text)) })))
const text = async (store: LogStore, key: string): Promise<string> => (await readAll(store, key, 'all')).toString()
const listed = async (store: LogStore): Promise<StoredLog[]> => {
  const all: StoredLog[] = []
  for await (const log of store.list()) all.push(log)
  return all.sort((a, b) => (a.attemptKey < b.attemptKey ? -1 : 1))
}
const packOf = (path: string, range = '0'): string => join(path, `packs/${range}.pack`)

test('a thousand short logs are one file, and each is read, listed and summed up as any sealed log', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path)
  const keys = Array.from({ length: 1500 }, (_, i) => `${i + 1}-1`)
  const sums = await put(store, ...keys.map((key): [string, string] => [key, `output of ${key}\n`]))
  expect(sums[0]).toEqual({ length: 15 + 14, stdout_bytes: 14, stderr_bytes: 0, truncated_bytes: 0 })
  expect((await readdir(path, { recursive: true })).sort()).toEqual(['packs', 'packs/0.pack', 'packs/1.pack'])
  expect((await stat(packOf(path))).mode & 0o777).toBe(0o600)
  for (const key of ['1-1', '999-1', '1000-1', '1500-1']) expect(await text(store, key)).toBe(`output of ${key}\n`)
  expect(await store.sealed('7-1')).toEqual(sums[6])
  expect(await store.size('7-1', 'stderr')).toBe(0)
  expect(await store.seal('7-1')).toEqual(sums[6])
  const all = await listed(store)
  expect(all.map((log) => log.attemptKey)).toEqual([...keys].sort())
  expect(all[0]).toEqual({ attemptKey: '1-1', bytes: 49 + 29, sealed: true })
  await store.close()
})

test('both streams, bytes that are no text, marks, and nothing at all', async () => {
  const store = createLocalLogStore(await newDirectory())
  const small: Written[] = [...sample.slice(0, 2), { stream: 'stdout', bytes: Buffer.from('é'.repeat(20_000)) }]
  const file = Buffer.concat([recordsOf(small), encodeMark(9, { kind: 'truncated', bytes: 4000 })])
  const [sums, empty] = await store.sealShort([
    { attemptKey: '1-1', log: short(file) },
    { attemptKey: '2-1', log: short(Buffer.alloc(0)) },
  ])
  expect(sums).toEqual({ length: file.length, stdout_bytes: 40_006, stderr_bytes: 5, truncated_bytes: 4000 })
  expect(empty).toEqual({ length: 0, stdout_bytes: 0, stderr_bytes: 0, truncated_bytes: 0 })
  for (const stream of ['stdout', 'stderr', 'all'] as const) {
    expect((await readAll(store, '1-1', stream, 999)).equals(outputOf(small, stream))).toBe(true)
  }
  expect(await store.read('2-1', { stream: 'all', offset: 0, limit: 9 })).toMatchObject({ size: 0, sealed: true })
  // Compressed: 40 kB of one letter.
  expect((await listed(store))[0]!.bytes).toBeLessThan(1000)
  await store.close()
})

test('what is no whole record file of the length it says is refused', () => {
  const good = record('some output')
  const damaged = Buffer.from(good)
  damaged[20]! ^= 1
  const refused = { code: 'invalid_argument' }
  const attempt = (bytes: Buffer, length = bytes.length) => {
    try {
      return shortLog(bytes, length)
    } catch (error) {
      return error
    }
  }
  for (let cut = 1; cut < good.length; cut++) expect(attempt(good.subarray(0, cut))).toMatchObject(refused)
  expect(attempt(damaged)).toMatchObject(refused)
  expect(attempt(good, good.length + 1)).toMatchObject(refused)
  expect(attempt(Buffer.concat([good, Buffer.alloc(5)]))).toMatchObject(refused)
  expect(attempt(encodeRecord('mark', 1, Buffer.from('no mark')))).toMatchObject(refused)
  expect(attempt(Buffer.alloc(longestShortLog + 1))).toMatchObject(refused)
})

test('the same log again is the same answer; another one is refused, and the first stays', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path)
  const [first] = await put(store, ['1-1', 'one'])
  const { size } = await stat(packOf(path))
  expect(await put(store, ['1-1', 'one'], ['1-1', 'one'])).toEqual([first, first])
  expect((await stat(packOf(path))).size).toBe(size)
  expect(await put(store, ['1-1', 'another'])).toEqual([null])
  expect(await text(store, '1-1')).toBe('one')
  // Nothing is added behind it, as with any sealed log.
  expect((await store.append('1-1', 18, record('late'))).accepted).toBe(18)
  await store.close()
})

test('a log of which something was appended before is completed and sealed as it always was', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path)
  const whole = Buffer.concat([record('first '), record('second')])
  await store.append('1-1', 0, record('first '))
  const [sums] = await store.sealShort([{ attemptKey: '1-1', log: short(whole) }])
  expect(sums).toMatchObject({ length: whole.length, stdout_bytes: 12 })
  expect(await text(store, '1-1')).toBe('first second')
  expect(await readdir(path)).toEqual(['0'])
  // One that was sealed shorter, because its runner was thought to be lost, stays as it is.
  await store.append('2-1', 0, record('all that came'))
  await store.seal('2-1')
  expect(await put(store, ['2-1', 'all that came, and more'])).toEqual([null])
  // Also when the part came to an earlier process.
  await store.append('3-1', 0, record('x'))
  await store.close()
  const again = createLocalLogStore(path)
  expect(await put(again, ['3-1', 'x'])).toMatchObject([{ stdout_bytes: 1 }])
  expect((await readdir(path, { recursive: true })).filter((name) => name.endsWith('.pack'))).toEqual([])
  await again.close()
})

test('a follower of a log that comes only with the end gets it at once and ends', async () => {
  const store = createLocalLogStore(await newDirectory())
  const followers = Array.from({ length: 5 }, () => collect(follow(store, '1-1', { stream: 'all', offset: 0 })))
  await store.size('1-1', 'all')
  await put(store, ['1-1', 'hello'])
  for (const seen of await Promise.all(followers))
    expect(seen.map((piece) => piece.bytes.toString())).toEqual(['hello'])
  // And one that asks at the very same moment.
  const [during] = await Promise.all([
    collect(follow(store, '2-1', { stream: 'all', offset: 0 })),
    put(store, ['2-1', 'now']),
  ])
  expect(during.map((piece) => piece.bytes.toString())).toEqual(['now'])
  await store.close()
})

test('torn at any byte of the last entry, with zeros behind or not: the ones before are whole, and it comes again', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path)
  await put(store, ['1-1', 'one'], ['2-1', 'two'])
  const before = (await stat(packOf(path))).size
  await put(store, ['3-1', 'the last'])
  await store.close()
  const whole = await readFile(packOf(path))
  for (let cut = before; cut < whole.length; cut++) {
    for (const zeros of [0, 64]) {
      await writeFile(packOf(path), Buffer.concat([whole.subarray(0, cut), Buffer.alloc(zeros)]))
      const again = createLocalLogStore(path)
      expect(await text(again, '2-1')).toBe('two')
      expect((await stat(packOf(path))).size).toBe(before)
      expect(await again.sealed('3-1')).toBeNull()
      await put(again, ['3-1', 'the last'])
      expect((await readFile(packOf(path))).equals(whole)).toBe(true)
      await again.close()
    }
  }
  // Torn at its very beginning.
  await writeFile(packOf(path), whole.subarray(0, 5))
  const last = createLocalLogStore(path)
  await put(last, ['4-1', 'new'])
  expect(await text(last, '4-1')).toBe('new')
  await last.close()
})

test('a byte that changed in the middle costs the log it belongs to, and says so', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path)
  await put(store, ['1-1', 'one'], ['2-1', 'two'], ['3-1', 'three'])
  await store.close()
  const whole = await readFile(packOf(path))
  const size = 49 + 18
  for (let at = 8 + size; at < 8 + 2 * size; at++) {
    const changed = Buffer.from(whole)
    changed[at]! ^= 0x20
    await writeFile(packOf(path), changed)
    const again = createLocalLogStore(path)
    expect([await text(again, '1-1'), await text(again, '3-1')]).toEqual(['one', 'three'])
    const read = await text(again, '2-1').catch((error: Error) => error.message)
    if (at < 8 + size + 49) expect(read).toBe('')
    else expect(read).toMatch(/2-1 is damaged/)
    await put(again, ['2-1', 'two'])
    expect(await text(again, '2-1')).toBe('two')
    await again.close()
  }
})

test('removed is removed, also after a restart; a pack without logs goes, and its range may be used again', async () => {
  const path = await newDirectory()
  let store = createLocalLogStore(path)
  await put(store, ['1-1', 'one'], ['2-1', 'two'], ['3-1', 'three'])
  await store.remove('2-1')
  await store.remove('2-1')
  expect(await text(store, '2-1')).toBe('')
  await store.close()
  store = createLocalLogStore(path)
  expect((await listed(store)).map((log) => log.attemptKey)).toEqual(['1-1', '3-1'])
  expect(await store.sealed('2-1')).toBeNull()
  await put(store, ['2-1', 'two again'])
  expect(await text(store, '2-1')).toBe('two again')
  for (const key of ['1-1', '2-1', '3-1']) await store.remove(key)
  expect(await readdir(join(path, 'packs'))).toEqual([])
  await put(store, ['4-1', 'four'])
  expect(await text(store, '4-1')).toBe('four')
  await store.close()
})

test('a pack that is mostly removed is copied without the waste, and what is left is read where it is now', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path)
  const bytes = randomBytes(60_000)
  const big = (n: number) => short(encodeRecord('stdout', n, bytes))
  const keys = Array.from({ length: 60 }, (_, i) => `${i + 1}-1`)
  await store.sealShort(keys.map((attemptKey, i) => ({ attemptKey, log: big(i) })))
  await store.size('60-1', 'all')
  const { size } = await stat(packOf(path))
  for (const key of keys.slice(0, 50)) await store.remove(key)
  expect((await stat(packOf(path))).size).toBeLessThan(size / 2)
  for (const key of keys.slice(50)) expect((await readAll(store, key, 'stdout')).equals(bytes)).toBe(true)
  await put(store, ['61-1', 'behind'])
  await store.close()
  const again = createLocalLogStore(path)
  expect(await text(again, '61-1')).toBe('behind')
  expect((await readAll(again, '55-1', 'stdout')).equals(bytes)).toBe(true)
  expect(await listed(again)).toHaveLength(11)
  await again.close()
})

test('many packs: memory and open files stay bounded', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path, { cacheBytes: 20_000 })
  for (let range = 1; range <= 100; range++) await put(store, [`${range}000-1`, `of ${range}`])
  const open = (await readdir('/proc/self/fd').catch(() => [])).length
  expect(open).toBeLessThan(100)
  for (let range = 1; range <= 100; range++) expect(await text(store, `${range}000-1`)).toBe(`of ${range}`)
  await store.close()
})

test('many at once into one pack, while others are read and removed', async () => {
  const store = createLocalLogStore(await newDirectory())
  const work = Array.from({ length: 40 }, async (_, batch) => {
    const logs = Array.from({ length: 20 }, (_unused, i): [string, string] => {
      const key = `${batch * 20 + i + 1}-1`
      return [key, `text of ${key}`]
    })
    await put(store, ...logs)
    await store.remove(logs[0]![0])
    expect(await text(store, logs[1]![0])).toBe(logs[1]![1])
  })
  await Promise.all(work)
  expect(await listed(store)).toHaveLength(40 * 19)
  await store.close()
})
