import { execFileSync, spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { AppError } from '../lib/app-error.ts'
import { createLocalLogStore } from './local-log-store.ts'
import { readAll, usedMemory } from './log-samples.ts'
import { logStoreConformance } from './log-store-conformance.ts'
import { encodeOutput, encodeRecord, maxPayload } from './records.ts'

const made: string[] = []
const newDirectory = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'runyard-logs-'))
  made.push(path)
  return path
}
afterAll(() => Promise.all(made.map((path) => rm(path, { recursive: true, force: true }))))

logStoreConformance('local directory', async () => {
  const path = await newDirectory()
  return { store: createLocalLogStore(path), reopen: async () => createLocalLogStore(path), cleanUp: async () => {} }
})
logStoreConformance('local directory, nothing kept in memory', async () => {
  const path = await newDirectory()
  const options = { waitingBytes: 0, cacheBytes: 0, flushEveryMs: 1 }
  return {
    store: createLocalLogStore(path, options),
    reopen: async () => createLocalLogStore(path, options),
    cleanUp: async () => {},
  }
})

const filesIn = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true })).filter((name) => name.includes('.')).sort()

test('a short job costs one small file, and never a live one', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path)
  const record = encodeRecord('stdout', 1, Buffer.from('hello\n'))
  expect(await store.append('1234567-1', 0, record)).toEqual({ accepted: record.length, durable: 0 })
  expect(await filesIn(path)).toEqual([])
  await store.seal('1234567-1', record.length)
  expect(await filesIn(path)).toEqual(['1234/1234567-1.sealed'])
  expect((await stat(join(path, '1234/1234567-1.sealed'))).size).toBeLessThan(200)
  await store.remove('1234567-1')
  expect(await readdir(path)).toEqual([])
  await store.close()
})

test('kill -9 in the middle of writing: what was called durable is there, and all of it is a prefix', async () => {
  const path = await newDirectory()
  const writer = `
    const { createLocalLogStore } = await import(${JSON.stringify(join(import.meta.dirname, 'local-log-store.ts'))})
    const { encodeRecord } = await import(${JSON.stringify(join(import.meta.dirname, 'records.ts'))})
    const store = createLocalLogStore(${JSON.stringify(path)}, { flushEveryMs: 5 })
    for (let at = 0, n = 0; ; n++) {
      const answer = await store.append('1-1', at, encodeRecord('stdout', n, Buffer.from(String(n % 10).repeat(1 + n % 3000))))
      at = answer.accepted
      process.stdout.write(answer.durable + '\\n')
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', writer], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  for await (const chunk of child.stdout) {
    said += chunk
    if (Number(said.split('\n').at(-2) ?? 0) > 200_000) child.kill('SIGKILL')
  }
  const durable = Number(said.split('\n').at(-2))
  const store = createLocalLogStore(path)
  const { accepted } = await store.append('1-1', 0, Buffer.alloc(0))
  expect(accepted).toBeGreaterThanOrEqual(durable)
  const output = (await readAll(store, '1-1', 'stdout')).toString()
  // However far the writer came before the signal reached it.
  let expected = ''
  for (let n = 0; expected.length < output.length; n++) expected += String(n % 10).repeat(1 + (n % 3000))
  expect(expected.startsWith(output)).toBe(true)
  expect(output.length).toBeGreaterThan(100_000)
  await store.close()
})

test('power cut at every byte of the last record: the whole records before it, and the runner sends the rest', async () => {
  const path = await newDirectory()
  const before = Buffer.concat(encodeOutput('stdout', 1, Buffer.from('kept')))
  const last = encodeRecord('stderr', 2, Buffer.from('half of this'))
  const file = Buffer.concat([before, last])
  await mkdir(join(path, '0'))
  for (let cut = 0; cut < last.length; cut++) {
    for (const zeros of [0, 100]) {
      const key = `${cut + 1}-${zeros + 1}`
      // Zeros: the length was already on the disk, the bytes not yet.
      await writeFile(
        join(path, '0', `${key}.live`),
        Buffer.concat([file.subarray(0, before.length + cut), Buffer.alloc(zeros)]),
      )
      const store = createLocalLogStore(path)
      expect((await readAll(store, key, 'all')).toString()).toBe('kept')
      expect((await stat(join(path, '0', `${key}.live`))).size).toBe(before.length)
      expect((await store.append(key, before.length, last)).accepted).toBe(file.length)
      expect(await store.seal(key, file.length)).toMatchObject({ stdout_bytes: 4, stderr_bytes: 12 })
      expect((await readAll(store, key, 'all')).toString()).toBe('kepthalf of this')
      await store.close()
    }
  }
})

test('a sealed file cut at any byte or with any byte changed is no sealed file; the live one counts', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path)
  const file = Buffer.concat([encodeRecord('stdout', 1, Buffer.from('some output'))])
  await store.append('1-1', 0, file)
  await store.seal('1-1', file.length)
  await store.close()
  const sealed = await readFile(join(path, '0/1-1.sealed'))
  const check = async (bytes: Buffer): Promise<void> => {
    await writeFile(join(path, '0/1-1.sealed'), bytes)
    await writeFile(join(path, '0/1-1.live'), file)
    const again = createLocalLogStore(path)
    expect(await again.sealed('1-1')).toBeNull()
    expect((await readAll(again, '1-1', 'all')).toString()).toBe('some output')
    await again.close()
  }
  for (let cut = 0; cut < sealed.length; cut++) await check(sealed.subarray(0, cut))
  // Index and footer; the blocks have zstd's own checksum.
  for (let at = sealed.length - 68; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at]! ^= 0x40
    await check(changed)
  }
  // A crash between the rename and the removal leaves both.
  await writeFile(join(path, '0/1-1.sealed'), sealed)
  const last = createLocalLogStore(path)
  expect(await last.sealed('1-1')).toMatchObject({ length: file.length })
  expect(await filesIn(path)).toEqual(['0/1-1.sealed'])
  await last.close()
})

test('a changed byte in a sealed block is an error, never wrong output', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path)
  const output = '0123456789abcdef'.repeat(20)
  const file = Buffer.concat(encodeOutput('stdout', 1, Buffer.from(output)))
  await store.append('1-1', 0, file)
  await store.seal('1-1', file.length)
  await store.close()
  const name = join(path, '0/1-1.sealed')
  const sealed = await readFile(name)
  let refused = 0
  for (let at = 8; at < sealed.length - 68; at++) {
    const changed = Buffer.from(sealed)
    changed[at]! ^= 0x10
    await writeFile(name, changed)
    const again = createLocalLogStore(path)
    const answer = await again.read('1-1', { stream: 'all', offset: 0, limit: 1000 }).catch(() => 'refused' as const)
    // A few bits of the frame's header decide nothing.
    if (answer === 'refused') refused += 1
    else expect(answer.bytes.toString()).toBe(output)
    await again.close()
  }
  expect(refused).toBeGreaterThan((sealed.length - 76) * 0.9)
})

test('any window of a long sealed log is one short read', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path)
  let at = 0
  const line = (n: number): Buffer => Buffer.from(`${String(n).padStart(15, '0')}\n`.repeat(maxPayload / 16))
  const chunks = 1000
  for (let n = 0; n < chunks; n++) {
    // stderr says almost nothing: its bytes are found without reading what lies between.
    const parts = [
      encodeRecord('stdout', n, line(n)),
      ...(n % 500 === 0 ? [encodeRecord('stderr', n, Buffer.from('e'))] : []),
    ]
    at = (await store.append('7-1', at, Buffer.concat(parts))).accepted
  }
  await store.seal('7-1', at)
  const times: number[] = []
  for (let i = 0; i < 50; i++) {
    const offset = (i * 1_299_709) % ((chunks - 1) * maxPayload)
    const begin = performance.now()
    const { bytes } = await store.read('7-1', { stream: 'stdout', offset, limit: 64 * 1024 })
    times.push(performance.now() - begin)
    const n = Math.floor(offset / maxPayload)
    const expected = Buffer.concat([line(n), line(n + 1)]).subarray(
      offset % maxPayload,
      (offset % maxPayload) + 64 * 1024,
    )
    expect(bytes.equals(expected)).toBe(true)
  }
  expect((await readAll(store, '7-1', 'stderr')).toString()).toBe('ee')
  expect(times.sort((a, b) => a - b)[25]).toBeLessThan(50)
  await store.close()
})

test('six hundred live logs: bounded memory, and each is right', async () => {
  const path = await newDirectory()
  const store = createLocalLogStore(path, { waitingBytes: 1024 * 1024 })
  const record = encodeRecord('stdout', 1, Buffer.alloc(30_000, 'x'))
  const begin = usedMemory()
  const keys = Array.from({ length: 600 }, (_, i) => `${i + 1}-1`)
  for (let round = 0; round < 2; round++) {
    await Promise.all(keys.map((key) => store.append(key, round * record.length, record)))
  }
  // Without the bound it would be 36 MB.
  expect(usedMemory() - begin).toBeLessThan(16e6)
  await store.close()
  const again = createLocalLogStore(path)
  for (const key of ['1-1', '300-1', '600-1']) expect(await again.size(key, 'stdout')).toBe(60_000)
  await again.close()
})

function mountSmallDisk(path: string): string | null {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'pipe' })
    return null
  } catch (error) {
    return `no tmpfs can be mounted here: ${(error as Error).message.split('\n')[0]}`
  }
}

test('a full disk: an error to the sender, nothing wrong in the log, and on with it when there is room', async (context) => {
  const path = await newDirectory()
  const refused = mountSmallDisk(path)
  if (refused) context.skip(refused)
  const store = createLocalLogStore(path)
  try {
    const record = encodeRecord('stdout', 1, Buffer.alloc(50_000, 'y'))
    const small = encodeRecord('stdout', 2, Buffer.from('small'))
    await writeFile(join(path, 'ballast'), Buffer.alloc(600_000))
    let accepted = 0
    const fill = async (): Promise<void> => {
      for (;;) accepted = (await store.append('1-1', accepted, record)).accepted
    }
    await expect(fill()).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 5 })
    await expect(store.append('1-1', accepted, record)).rejects.toMatchObject({ code: 'unavailable' })
    expect((await store.append('1-1', accepted, Buffer.alloc(0))).accepted).toBe(accepted)
    expect((await readAll(store, '1-1', 'stdout')).length).toBe((accepted / record.length) * 50_000)

    // A log that has only memory is refused as soon as its first flush went wrong.
    await writeFile(join(path, 'rest'), Buffer.alloc(1_000_000)).catch(() => {})
    let taken = 0
    const take = async (): Promise<string> => {
      taken = (await store.append('2-1', taken, small)).accepted
      return 'taken'
    }
    expect(await take()).toBe('taken')
    await expect
      .poll(() => take().catch((error: AppError) => error.code), { interval: 50, timeout: 3000 })
      .toBe('unavailable')
    await expect(store.seal('1-1', accepted)).rejects.toMatchObject({ code: 'unavailable' })
    expect((await filesIn(path)).filter((name) => name.endsWith('.sealing'))).toEqual([])

    for (const name of ['ballast', 'rest']) await rm(join(path, name), { force: true })
    await expect.poll(() => take().catch((error: AppError) => error.code), { timeout: 3000 }).toBe('taken')
    accepted = (await store.append('1-1', accepted, record)).accepted
    expect(await store.seal('1-1', accepted)).toMatchObject({ stdout_bytes: (accepted / record.length) * 50_000 })
    expect(await store.seal('2-1', taken)).toMatchObject({ stdout_bytes: (taken / small.length) * 5 })
    expect((await readAll(store, '1-1', 'all')).equals(Buffer.alloc((accepted / record.length) * 50_000, 'y'))).toBe(
      true,
    )
  } finally {
    await store.close()
    execFileSync('umount', [path])
  }
})

test('files are for their owner only, and a link in the place of a log is not followed', async () => {
  const path = join(await newDirectory(), 'logs')
  const store = createLocalLogStore(path, { flushEveryMs: 1 })
  const record = encodeRecord('stdout', 1, Buffer.alloc(maxPayload - 1))
  await store.append('1-1', 0, Buffer.concat([record, record]))
  const name = join(path, '0/1-1.live')
  expect((await stat(name)).mode & 0o777).toBe(0o600)
  expect((await stat(dirname(name))).mode & 0o777).toBe(0o700)
  await store.close()
  await copyFile(name, join(path, 'outside'))
  await truncate(name, 10)
  await rm(name)
  await symlink(join(path, 'outside'), name)
  const again = createLocalLogStore(path)
  await expect(again.size('1-1', 'all')).rejects.toThrow(/ELOOP/)
  await again.close()
})
