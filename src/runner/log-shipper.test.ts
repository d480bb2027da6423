import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AppError } from '../lib/app-error.ts'
import { encodeRecord, headerBytes } from '../logs/records.ts'
import type { AppendResult, AttemptRef, LogChunk } from './control-plane.ts'
import { createLogShipper } from './log-shipper.ts'
import type { RecordFile } from './log-cursor.ts'

const record = 1_000
/** A record file in memory, of records of 1000 bytes. */
class MemoryFile implements RecordFile {
  bytes = Buffer.alloc(0)
  length = () => this.bytes.length
  read = async (offset: number, into: Uint8Array) => this.bytes.copy(into, 0, offset)
  grow(records: number) {
    const payload = Buffer.alloc(record - headerBytes, String.fromCharCode(97 + (this.bytes.length % 26)))
    const more = encodeRecord('stdout', 1, payload)
    this.bytes = Buffer.concat([this.bytes, ...Array.from({ length: records }, () => more)])
  }
}

const refOf = (job: number): AttemptRef => ({ jobKey: String(job), number: 1, token: '1' })

/** Keeps whole records from where it stands on, forgets some, loses answers, answers late: all by a given script. */
function unreliableStore(script: number[]) {
  const logs = new Map<string, Buffer>()
  let call = 0
  let forgetful = 4 // a store that forgets more than it gets would never be full
  const next = () => script[call++ % script.length]!
  return {
    logs,
    calls: () => call,
    async appendLog(chunks: LogChunk[]): Promise<AppendResult[]> {
      const dice = next()
      if (dice % 4 === 0) await sleep(dice % 5)
      if (dice % 7 === 1) throw new AppError('unavailable', 'not reached')
      const results = chunks.map(({ ref, offset, bytes }) => {
        let log = logs.get(ref.jobKey) ?? Buffer.alloc(0)
        if (dice % 11 === 2 && forgetful-- > 0) log = log.subarray(0, Math.floor((log.length * 0.7) / record) * record)
        if (offset <= log.length) {
          const fresh = bytes.subarray(log.length - offset)
          expect(fresh.length % record).toBe(0)
          log = Buffer.concat([log, fresh])
        }
        logs.set(ref.jobKey, log)
        return { ref, accepted: log.length, durable: 0, stale: false }
      })
      if (dice % 7 === 3) throw new AppError('deadline_exceeded', 'the answer got lost')
      return results
    },
  }
}

test('whatever the link and the store do, every log arrives whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(1_000), { minLength: 3, maxLength: 40 }),
      fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 900 })), { minLength: 1, maxLength: 12 }),
      async (dice, growth) => {
        const over = new AbortController()
        // At least one call in the script goes through, or it would never end.
        const store = unreliableStore([...dice, 5])
        const shipper = createLogShipper(store, over.signal, undefined, { firstMs: 1, maxMs: 2 })
        const files = [0, 1, 2].map(() => new MemoryFile())
        const shipments = files.map((file, i) => shipper.attach(refOf(i), file, () => {}))
        for (const [which, records] of growth) {
          files[which]!.grow(records)
          shipments[which]!.grown()
          await sleep(0)
        }
        for (const [i, file] of files.entries()) {
          // As `finish` does: told that something is missing, it asks and ships again.
          await shipments[i]!.shipped()
          while ((store.logs.get(String(i))?.length ?? 0) < file.length()) {
            shipments[i]!.recheck()
            await shipments[i]!.shipped()
          }
          expect((store.logs.get(String(i)) ?? Buffer.alloc(0)).equals(file.bytes)).toBe(true)
        }
        over.abort()
      },
    ),
    { numRuns: 60 },
  )
}, 60_000)

test('the first line of one job does not wait behind the gigabytes of another', async () => {
  const over = new AbortController()
  const seen: string[][] = []
  const shipper = createLogShipper(
    {
      async appendLog(chunks) {
        seen.push(chunks.map((chunk) => chunk.ref.jobKey))
        await sleep(1)
        return chunks.map(({ ref, offset, bytes }) => ({
          ref,
          accepted: offset + bytes.length,
          durable: 0,
          stale: false,
        }))
      },
    },
    over.signal,
  )
  const [big, small] = [new MemoryFile(), new MemoryFile()]
  const bigShipment = shipper.attach(refOf(0), big, () => {})
  const smallShipment = shipper.attach(refOf(1), small, () => {})
  big.grow(40_000)
  bigShipment.grown()
  await sleep(5)
  small.grow(1)
  smallShipment.grown()
  const before = seen.length
  await smallShipment.shipped()
  expect(seen.slice(before).findIndex((keys) => keys.includes('1'))).toBeLessThanOrEqual(2)
  await bigShipment.shipped()
  over.abort()
})

test('many small logs share a call', async () => {
  const over = new AbortController()
  const store = unreliableStore([5])
  const shipper = createLogShipper(store, over.signal)
  const shipments = Array.from({ length: 100 }, (_, i) => {
    const file = new MemoryFile()
    const shipment = shipper.attach(refOf(i), file, () => {})
    file.grow(1)
    shipment.grown()
    return shipment
  })
  await Promise.all(shipments.map((shipment) => shipment.shipped()))
  expect(store.calls()).toBeLessThanOrEqual(3)
  over.abort()
})

test('a stale answer ends the shipping of that log only', async () => {
  const over = new AbortController()
  const stale: string[] = []
  const shipper = createLogShipper(
    {
      appendLog: async (chunks) =>
        chunks.map(({ ref, offset, bytes }) => ({
          ref,
          accepted: offset + bytes.length,
          durable: 0,
          stale: ref.jobKey === '0',
        })),
    },
    over.signal,
  )
  const files = [new MemoryFile(), new MemoryFile()]
  const shipments = files.map((file, i) => shipper.attach(refOf(i), file, () => stale.push(String(i))))
  for (const [i, file] of files.entries()) {
    file.grow(2)
    shipments[i]!.grown()
  }
  await Promise.all(shipments.map((shipment) => shipment.shipped()))
  expect(stale).toEqual(['0'])
  over.abort()
})

test('one refused log does not hold up the others of its call', async () => {
  const over = new AbortController()
  const stale: string[] = []
  const shipper = createLogShipper(
    {
      async appendLog(chunks) {
        if (chunks.some((chunk) => chunk.ref.jobKey === '0')) throw new AppError('invalid_argument', 'no')
        return chunks.map(({ ref, offset, bytes }) => ({
          ref,
          accepted: offset + bytes.length,
          durable: 0,
          stale: false,
        }))
      },
    },
    over.signal,
  )
  const shipments = [0, 1, 2].map((i) => {
    const file = new MemoryFile()
    const shipment = shipper.attach(refOf(i), file, () => stale.push(String(i)))
    file.grow(3)
    shipment.grown()
    return shipment
  })
  await Promise.all(shipments.map((shipment) => shipment.shipped()))
  expect(stale).toEqual(['0'])
  over.abort()
})

test('one who comes later asks where the server stands, and ships from there', async () => {
  const over = new AbortController()
  const store = unreliableStore([5])
  const file = new MemoryFile()
  file.grow(700)
  store.logs.set('0', file.bytes.subarray(0, 400 * record))
  const sent: number[][] = []
  const appendLog = (chunks: LogChunk[]) => {
    sent.push(...chunks.map(({ offset, bytes }) => [offset, bytes.length]))
    return store.appendLog(chunks)
  }
  const shipment = createLogShipper({ appendLog }, over.signal).attach(refOf(0), file, () => {})
  shipment.recheck()
  await shipment.shipped()
  expect(sent).toEqual([
    [0, 0],
    [400_000, 300_000],
  ])
  expect(store.logs.get('0')!.equals(file.bytes)).toBe(true)
  over.abort()
})

test('a silent log whose server is gone is shipped again, from the beginning, to the one that answers now', async () => {
  const over = new AbortController()
  const stores = [unreliableStore([5]), unreliableStore([5])]
  let at = 0
  let asked = 0
  const appendLog = (chunks: LogChunk[]) => {
    asked += 1
    return stores[at]!.appendLog(chunks)
  }
  const file = new MemoryFile()
  file.grow(900)
  const shipment = createLogShipper({ appendLog }, over.signal, undefined, undefined, 20).attach(
    refOf(0),
    file,
    () => {},
  )
  await shipment.shipped()
  at = 1
  // Not a byte more is printed.
  await expect.poll(() => stores[1]!.logs.get('0')?.equals(file.bytes)).toBe(true)
  const before = asked
  shipment.detach()
  await sleep(60)
  expect(asked - before).toBeLessThanOrEqual(1)
  over.abort()
})

test('a read that fails for want of open files is tried again: the log arrives whole', async () => {
  const file = new MemoryFile()
  const read = file.read
  let fails = 2
  file.read = async (offset, into) => {
    if (fails-- > 0) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
    return read(offset, into)
  }
  const store = unreliableStore([0])
  const over = new AbortController()
  const troubles: unknown[] = []
  const shipper = createLogShipper(store, over.signal, (error) => troubles.push(error))
  const shipment = shipper.attach(refOf(1), file, () => {})
  file.grow(3)
  await shipment.shipped()
  expect(shipment.length()).toBe(3 * record)
  expect(store.logs.get('1')).toEqual(file.bytes)
  expect(troubles).toHaveLength(2)
  over.abort()
})
