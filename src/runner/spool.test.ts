import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { decodeMark, decodeRecords, encodeOutput } from '../logs/records.ts'
import { collectOutput } from './output.ts'
import { openSpool, type Spool } from './spool.ts'
import { createSyncGroup } from './sync-group.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ry-spool-'))
})
afterEach(() => rm(dir, { recursive: true }))

const open = (path = join(dir, 'output.log')) => openSpool(path, { sync: createSyncGroup(), onGrown: () => {} })

async function contentOf(spool: Spool): Promise<Buffer> {
  const bytes = Buffer.alloc(spool.length)
  for (let at = 0; at < bytes.length;) at += await spool.read(at, bytes.subarray(at))
  return bytes
}
const stdoutIn = (bytes: Buffer) =>
  Buffer.concat(decodeRecords(bytes).records.flatMap((r) => (r.stream === 'stdout' ? [r.payload] : [])))

test('what goes in can be read back by offset, and chunks end where records end', async () => {
  const spool = await open()
  const output = randomBytes(3_000_000)
  for (let at = 0; at < output.length; at += 50_001) {
    await spool.append(encodeOutput('stdout', 1, output.subarray(at, at + 50_001)))
  }
  await spool.settled()
  const whole = await contentOf(spool)
  expect(stdoutIn(whole).equals(output)).toBe(true)
  let at = 0
  while (at < spool.length) {
    const to = spool.boundary(at, 256 * 1024)
    expect(to).toBeGreaterThan(at)
    expect(to - at).toBeLessThanOrEqual(256 * 1024)
    expect(decodeRecords(whole.subarray(at, to)).consumed).toBe(to - at)
    at = to
  }
  await spool.close()
})

test('after a crash the half record at the end is cut off and writing goes on behind the last whole one', async () => {
  const first = await open()
  void first.append(encodeOutput('stdout', 1, Buffer.from('whole')))
  await first.close()
  const path = join(dir, 'output.log')
  await appendFile(path, encodeOutput('stdout', 2, Buffer.from('torn by the crash'))[0]!.subarray(0, 20))
  const second = await open()
  expect(second.recordedBytes).toBe(5)
  void second.append(encodeOutput('stdout', 3, Buffer.from(' again')))
  await second.settled()
  expect(stdoutIn(await contentOf(second)).toString()).toBe('whole again')
  await second.close()
})

test('bytes are synced to the disk within the interval, in one turn for all', async () => {
  const calls: string[] = []
  const group = createSyncGroup(30)
  const sync = async () => void calls.push('a')
  group.ask(sync)
  group.ask(sync)
  group.ask(async () => void calls.push('b'))
  expect(calls).toEqual([])
  await eventually(() => calls.length).toBe(2)
  expect(calls).toEqual(['a', 'b'])
})

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('skipped: a full disk (needs root for a small tmpfs)')

test.skipIf(!isRoot)('a full disk ends the log with a mark and nothing else', async () => {
  const disk = join(dir, 'disk')
  execFileSync('mkdir', [disk])
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', disk])
  let why = ''
  const options = { sync: createSyncGroup(), onGrown: () => {}, onBroken: (e: Error) => (why = e.message) }
  const spool = await openSpool(join(disk, 'output.log'), options)
  try {
    const output = collectOutput({ spool, secrets: [], limitBytes: undefined })
    const total = 4 * 2 ** 20
    for (let at = 0; at < total; at += 65_536) await output.take('stdout', Buffer.alloc(65_536, 'x'))
    await output.finish()
    expect(why).toContain('ENOSPC')
    const { records, consumed } = decodeRecords(await contentOf(spool))
    expect(consumed).toBe(spool.length)
    const marks = records.filter((r) => r.stream === 'mark').map((r) => decodeMark(r.payload))
    const kept = records.filter((r) => r.stream === 'stdout').reduce((sum, r) => sum + r.payload.length, 0)
    expect(kept).toBeGreaterThan(500_000)
    expect(marks.at(-1)).toEqual({ kind: 'truncated', bytes: total - kept })
  } finally {
    await spool.close()
    execFileSync('umount', [disk])
  }
})

test('memory stays flat: a pipe is told to wait when the disk is behind', async () => {
  const spool = await open()
  let waits = 0
  for (let i = 0; i < 200; i++) {
    const wait = spool.append(encodeOutput('stdout', 1, Buffer.alloc(65_536)))
    if (wait !== undefined) {
      waits++
      await wait
    }
  }
  await spool.settled()
  expect(waits).toBeGreaterThan(2)
  expect((await stat(join(dir, 'output.log'))).size).toBe(spool.length)
  expect((await readFile(join(dir, 'output.log'))).length).toBe(spool.length)
  await spool.close()
})

test('the output limit holds for both streams together, over a takeover too', async () => {
  const first = await open()
  const before = collectOutput({ spool: first, secrets: [], limitBytes: 10 })
  void before.take('stdout', Buffer.from('123456'))
  await first.close() // the process is gone; no closing mark
  const spool = await open()
  const output = collectOutput({ spool, secrets: [], limitBytes: 10, recordedBytes: spool.recordedBytes })
  void output.take('stderr', Buffer.from('abcdef'))
  void output.take('stdout', Buffer.from('xyz'))
  await output.finish()
  const { records } = decodeRecords(await contentOf(spool))
  const texts = records.map((r) => (r.stream === 'mark' ? decodeMark(r.payload).bytes : r.payload.toString()))
  expect(texts).toEqual(['123456', 'abcd', 2, 5])
  await spool.close()
})
