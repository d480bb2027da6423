import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRecords, encodeMark, encodeOutput, encodeRecord, headerBytes, maxPayload } from './records.ts'
import { scan } from './scan.ts'

test('what is encoded comes back, byte for byte', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.constantFrom('stdout' as const, 'stderr' as const), fc.nat({ max: 2 ** 47 }), fc.uint8Array()),
      ),
      (given) => {
        const bytes = Buffer.concat(given.map(([stream, time, payload]) => encodeRecord(stream, time, payload)))
        const { records, consumed } = decodeRecords(bytes)
        expect(consumed).toBe(bytes.length)
        expect(records.map((r) => [r.stream, r.time, [...r.payload]])).toEqual(given.map(([s, t, p]) => [s, t, [...p]]))
      },
    ),
  )
})

test('long output becomes records of at most 64 KiB', () => {
  const records = encodeOutput('stderr', 7, Buffer.alloc(2 * maxPayload + 1))
  expect(records.map((r) => r.length - headerBytes)).toEqual([maxPayload, maxPayload, 1])
  expect(encodeOutput('stdout', 7, Buffer.alloc(0))).toEqual([])
  expect(() => encodeRecord('stdout', 7, Buffer.alloc(maxPayload + 1))).toThrow(RangeError)
})

test('an incomplete record is left, a changed bit anywhere is found', () => {
  const [first, second] = [encodeRecord('stdout', 1, Buffer.from('one')), encodeRecord('stdout', 2, Buffer.from('two'))]
  const both = Buffer.concat([first, second])
  for (let cut = 0; cut < second.length; cut++) {
    expect(decodeRecords(both.subarray(0, first.length + cut)).consumed).toBe(first.length)
  }
  for (let at = 0; at < first.length; at++) {
    const changed = Buffer.from(both)
    changed[at]! ^= 0x80
    let records = 0
    try {
      records = decodeRecords(changed).records.length
    } catch {
      // damaged
    }
    expect(records).toBe(0)
  }
})

test('a scan finds the whole records, with their sums, however the file ends', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'runyard-scan-'))
  try {
    const whole = Buffer.concat([
      ...encodeOutput('stdout', 1, Buffer.alloc(3_000_000, 'x')),
      ...encodeOutput('stderr', 1, Buffer.alloc(70_000, 'y')),
      encodeMark(2, { kind: 'truncated', bytes: 5 }),
    ])
    const sums = { length: whole.length, stdoutBytes: 3_000_000, stderrBytes: 70_000, truncatedBytes: 5 }
    const torn = encodeRecord('stdout', 3, Buffer.from('torn')).subarray(0, -1)
    for (const tail of [
      '',
      torn,
      Buffer.alloc(5000),
      Buffer.from('not a record, but some text'),
      Buffer.alloc(20, 1),
    ]) {
      const path = join(dir, 'log')
      await writeFile(path, Buffer.concat([whole, Buffer.from(tail)]))
      const file = await open(path)
      expect(await scan(file)).toEqual(sums)
      await file.close()
    }
  } finally {
    await rm(dir, { recursive: true })
  }
})
