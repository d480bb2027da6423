import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodeMark, decodeRecords } from '../../logs/records.ts'
import { notRoot } from '../testing/needs.ts'
import { until } from '../testing/until.ts'
import { collectOutput } from './collect.ts'
import { RecordFile } from './record-file.ts'
import { createSyncGroup } from './sync-group.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runyard-records-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const path = (): string => join(dir, 'a.log')
const open = (at = path(), onBroken?: (error: Error) => void) =>
  new RecordFile(at, { sync: createSyncGroup(), onGrown: () => {}, onBroken })
const collector = (sink: RecordFile, limitBytes?: number) => collectOutput({ sink, secrets: [], limitBytes })
/** As a reader sees it: the file, then the tail. */
const contentOf = (log: RecordFile): Buffer =>
  Buffer.concat([existsSync(log.path) ? readFileSync(log.path) : Buffer.alloc(0), log.tail])
const sizeOf = (bytes: Buffer, stream: 'stdout' | 'stderr' = 'stdout'): number =>
  decodeRecords(bytes).records.reduce((sum, r) => sum + (r.stream === stream ? r.payload.length : 0), 0)

test('short output stays in memory, and comes whole; later it can still become a file', async () => {
  const log = open()
  void collector(log).take('stdout', Buffer.from('short'))
  expect(existsSync(log.path)).toBe(false)
  const whole = log.whole()!
  expect(decodeRecords(whole).records.map((r) => r.payload.toString())).toEqual(['short'])
  log.toFile()
  await log.settled()
  expect(readFileSync(log.path).equals(whole)).toBe(true)
  await log.close()
})

test('long output is a file of whole records, byte for byte, and is not kept in memory', async () => {
  const log = open()
  const output = collector(log)
  const bytes = randomBytes(3_000_000)
  let waits = 0
  for (let at = 0; at < bytes.length; at += 50_001) {
    const wait = output.take('stdout', bytes.subarray(at, at + 50_001))
    if (wait) waits++
    await wait
  }
  await output.finish()
  const { records, consumed } = decodeRecords(contentOf(log))
  expect(consumed).toBe(log.length)
  expect(Buffer.concat(records.map((r) => r.payload)).equals(bytes)).toBe(true)
  expect(log.whole()).toBeNull()
  expect(waits).toBeGreaterThan(0)
  await log.close()
})

test('the limit holds for both streams together; the last mark has the total', async () => {
  const log = open()
  const output = collector(log, 10)
  void output.take('stdout', Buffer.from('123456'))
  void output.take('stderr', Buffer.from('abcdef'))
  void output.take('stdout', Buffer.from('xyz'))
  await output.finish()
  const { records } = decodeRecords(log.whole()!)
  const texts = records.map((r) => (r.stream === 'mark' ? decodeMark(r.payload).bytes : r.payload.toString()))
  expect(texts).toEqual(['123456', 'abcd', 2, 5])
})

test.skipIf(notRoot)('a full disk ends the log with a mark and nothing else', async () => {
  const disk = join(dir, 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', disk])
  let why = ''
  const log = open(join(disk, 'a.log'), (error) => (why = error.message))
  try {
    const output = collector(log)
    const total = 4 * 2 ** 20
    for (let at = 0; at < total; at += 65_536) await output.take('stdout', Buffer.alloc(65_536, 'x'))
    await output.finish()
    expect(why).toContain('ENOSPC')
    const content = contentOf(log)
    const { records, consumed } = decodeRecords(content)
    expect(consumed).toBe(log.length)
    const kept = sizeOf(content)
    expect(kept).toBeGreaterThan(500_000)
    expect(decodeMark(records.at(-1)!.payload)).toEqual({ kind: 'truncated', bytes: total - kept })
  } finally {
    await log.close()
    execFileSync('umount', [disk])
  }
})

test('a place where no file can be made: the mark says how much was lost', async () => {
  const log = open(join(dir, 'missing', 'a.log'))
  const output = collector(log)
  for (let i = 0; i < 5; i++) void output.take('stdout', Buffer.alloc(10_000, 'x'))
  await output.finish()
  expect(log.broken?.message).toContain('ENOENT')
  const content = contentOf(log)
  const marks = decodeRecords(content).records.filter((r) => r.stream === 'mark')
  expect(decodeMark(marks.at(-1)!.payload).bytes + sizeOf(content)).toBe(50_000)
})

test('bytes are synced within the interval, in one turn for all', async () => {
  const calls: string[] = []
  const group = createSyncGroup(30)
  const sync = async (): Promise<void> => void calls.push('a')
  group.ask(sync)
  group.ask(sync)
  group.ask(async () => void calls.push('b'))
  expect(calls).toEqual([])
  await until(() => calls.length === 2)
  expect(calls).toEqual(['a', 'b'])
})
