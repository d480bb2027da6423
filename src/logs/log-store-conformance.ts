/** What every log store must do, whatever it keeps logs in. Call it in a test file of the store. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogStore, StoredLog } from './log-store.ts'
import { followConformance } from './log-follow-conformance.ts'
import { outputOf, readAll, recordsOf, sample, streams } from './log-samples.ts'
import { encodeRecord } from './records.ts'

export interface OpenStore {
  store: LogStore
  /** Another process over the same logs, after this one has closed. */
  reopen(): Promise<LogStore>
  cleanUp(): Promise<void>
}

export function logStoreConformance(name: string, open: () => Promise<OpenStore>): void {
  describe(`log store: ${name}`, () => {
    let opened: OpenStore
    let store: LogStore
    let next = 1
    const newKey = (): string => `${next++}-1`
    beforeAll(async () => {
      opened = await open()
      store = opened.store
    })
    afterAll(async () => {
      await store.close()
      await opened.cleanUp()
    })

    test('gives back the bytes of each stream, live and sealed', async () => {
      const key = newKey()
      const file = recordsOf(sample)
      expect(await store.append(key, 0, file)).toMatchObject({ accepted: file.length })
      for (const sealed of [false, true]) {
        if (sealed) {
          const sums = { length: file.length, stdout_bytes: 100_006, stderr_bytes: 8, truncated_bytes: 0 }
          expect(await store.seal(key, file.length)).toEqual(sums)
          expect(await store.sealed(key)).toEqual(sums)
        } else expect(await store.sealed(key)).toBeNull()
        for (const stream of streams) {
          const expected = outputOf(sample, stream)
          expect((await readAll(store, key, stream, 777)).equals(expected)).toBe(true)
          expect(await store.size(key, stream)).toBe(expected.length)
          const tail = await store.read(key, { stream, offset: expected.length - 2, limit: 100 })
          expect(tail).toEqual({ bytes: expected.subarray(-2), size: expected.length, sealed })
          const behind = await store.read(key, { stream, offset: expected.length + 5, limit: 10 })
          expect(behind.bytes.length).toBe(0)
        }
      }
    })

    test('any output in any chunks, sent twice or torn: any window is right', async () => {
      const writes = fc.array(
        fc.record({
          stream: fc.constantFrom('stdout' as const, 'stderr' as const),
          bytes: fc.oneof(
            fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
            fc.integer({ min: 1, max: 150_000 }).map((size) => Buffer.alloc(size, `${size} `)),
          ),
        }),
        { maxLength: 12 },
      )
      await fc.assert(
        fc.asyncProperty(
          writes,
          fc.infiniteStream(fc.nat()),
          fc.array(fc.tuple(fc.nat(), fc.nat(200_000))),
          async (written, random, windows) => {
            const key = newKey()
            const file = recordsOf(written)
            const pick = (most: number): number => (random.next().value as number) % most
            let accepted = 0
            while (accepted < file.length) {
              const from = Math.max(0, accepted - pick(3) * 1000 * pick(2))
              const aligned = from === accepted ? from : 0
              const size = 70_000 + pick(200_000)
              accepted = (await store.append(key, aligned, file.subarray(aligned, accepted + size))).accepted
            }
            for (const sealed of [false, true]) {
              if (sealed) await store.seal(key, file.length)
              for (const stream of streams) {
                const expected = outputOf(written, stream)
                expect((await readAll(store, key, stream)).equals(expected)).toBe(true)
                for (const [at, limit] of windows) {
                  const offset = expected.length === 0 ? 0 : at % expected.length
                  const { bytes } = await store.read(key, { stream, offset, limit })
                  expect(bytes.equals(expected.subarray(offset, offset + bytes.length))).toBe(true)
                  expect(bytes.length === 0).toBe(limit === 0 || expected.length === 0)
                }
              }
            }
            await store.remove(key)
          },
        ),
        { numRuns: 25 },
      )
    })

    test('append is idempotent by offset; gaps and torn records are left out, damaged ones refused', async () => {
      const key = newKey()
      const [one, two] = [encodeRecord('stdout', 1, Buffer.from('one ')), encodeRecord('stdout', 2, Buffer.from('two'))]
      const both = Buffer.concat([one, two])
      expect((await store.append(key, 0, one)).accepted).toBe(one.length)
      expect((await store.append(key, 0, one)).accepted).toBe(one.length)
      expect((await store.append(key, one.length + 1, two)).accepted).toBe(one.length)
      expect((await store.append(key, one.length, two.subarray(0, -1))).accepted).toBe(one.length)
      expect((await store.append(key, one.length, Buffer.alloc(0))).accepted).toBe(one.length)
      const damaged = Buffer.from(two)
      damaged[damaged.length - 1]! ^= 1
      await expect(store.append(key, one.length, damaged)).rejects.toMatchObject({ code: 'invalid_argument' })
      expect((await store.append(key, 0, both)).accepted).toBe(both.length)
      expect((await readAll(store, key, 'stdout')).toString()).toBe('one two')
      // A hundred at once, as after a broken link.
      await Promise.all(Array.from({ length: 100 }, () => store.append(key, 0, both)))
      expect(await store.size(key, 'all')).toBe(7)
    })

    test('what was appended is durable soon, and says so', async () => {
      const key = newKey()
      const record = encodeRecord('stdout', 1, Buffer.from('x'))
      await store.append(key, 0, record)
      await expect
        .poll(async () => (await store.append(key, record.length, Buffer.alloc(0))).durable, {
          timeout: 2000,
          interval: 20,
        })
        .toBe(record.length)
    })

    test('seal wants every byte, answers again, and nothing is added behind it', async () => {
      const key = newKey()
      const file = recordsOf(sample)
      await store.append(key, 0, file)
      await expect(store.seal(key, file.length + 1)).rejects.toMatchObject({ code: 'failed_precondition' })
      const sums = await store.seal(key, file.length)
      expect(await store.seal(key, file.length)).toEqual(sums)
      expect(await store.seal(key)).toEqual(sums)
      await expect(store.seal(key, file.length - 1)).rejects.toMatchObject({ code: 'failed_precondition' })
      const more = encodeRecord('stdout', 9, Buffer.from('late'))
      const answer = { accepted: file.length, durable: file.length }
      expect(await store.append(key, file.length, more)).toEqual(answer)
      expect(await store.append(key, 0, file)).toEqual(answer)
      expect(await store.size(key, 'all')).toBe(100_014)
    })

    test('a log without output can be sealed; one that is not there is empty', async () => {
      const key = newKey()
      expect(await store.read(key, { stream: 'all', offset: 0, limit: 10 })).toMatchObject({ size: 0, sealed: false })
      expect(await store.seal(key, 0)).toEqual({ length: 0, stdout_bytes: 0, stderr_bytes: 0, truncated_bytes: 0 })
      expect(await store.read(key, { stream: 'all', offset: 0, limit: 10 })).toMatchObject({ size: 0, sealed: true })
    })

    test('a log longer than the runner still has is cut to the record where the runner ends', async () => {
      const key = newKey()
      const file = recordsOf(sample.slice(0, 2))
      await store.append(key, 0, Buffer.concat([file, encodeRecord('stdout', 5, Buffer.from('lost in the spool'))]))
      expect(await store.seal(key, file.length)).toMatchObject({
        length: file.length,
        stdout_bytes: 6,
        stderr_bytes: 5,
      })
    })

    test('names are keys of attempts and nothing else', async () => {
      const names = [
        '',
        '../1-1',
        '1',
        '1-',
        '1-0',
        '0-1',
        '01-1',
        '1-1/..',
        '1-1\n',
        '1-1\0',
        '%31-1',
        `${'9'.repeat(20)}-1`,
      ]
      for (const bad of [...names, '1-1.sealed', ' 1-1', '１-1', '-1-1', '1e3-1']) {
        const refused = { code: 'invalid_argument' }
        await expect(store.append(bad, 0, Buffer.alloc(0))).rejects.toMatchObject(refused)
        await expect(store.seal(bad)).rejects.toMatchObject(refused)
        await expect(store.read(bad, { stream: 'all', offset: 0, limit: 1 })).rejects.toMatchObject(refused)
        await expect(store.remove(bad)).rejects.toMatchObject(refused)
      }
    })

    test('lists what it stores, removes it, and may be asked twice', async () => {
      const [live, sealed] = [newKey(), newKey()]
      const file = recordsOf(sample)
      for (const key of [live, sealed]) await store.append(key, 0, file)
      await store.seal(sealed, file.length)
      const find = async (key: string): Promise<StoredLog | undefined> => {
        for await (const log of store.list()) if (log.attemptKey === key) return log
        return undefined
      }
      await expect.poll(() => find(live), { timeout: 2000 }).toMatchObject({ sealed: false, bytes: file.length })
      const found = await find(sealed)
      expect(found).toMatchObject({ sealed: true })
      expect(found!.bytes).toBeLessThan(file.length / 10)
      for (const key of [live, sealed, live, sealed]) await store.remove(key)
      expect(await find(live)).toBeUndefined()
      expect(await find(sealed)).toBeUndefined()
      expect(await store.read(sealed, { stream: 'all', offset: 0, limit: 9 })).toMatchObject({ size: 0, sealed: false })
    })

    test('an unsealed log can be let go of, and comes again; a sealed one stays', async () => {
      const key = newKey()
      const file = recordsOf(sample)
      await store.append(key, 0, file)
      expect(await store.removeUnsealed(key)).toBe(true)
      expect(await store.removeUnsealed(key)).toBe(true)
      expect(await store.size(key, 'all')).toBe(0)
      expect((await store.append(key, file.length, file)).accepted).toBe(0)
      await store.append(key, 0, file)
      await store.seal(key, file.length)
      expect(await store.removeUnsealed(key)).toBe(false)
      expect((await readAll(store, key, 'all')).equals(outputOf(sample, 'all'))).toBe(true)
    })

    test('another process finds everything after close', async () => {
      const [live, sealed] = [newKey(), newKey()]
      const file = recordsOf(sample)
      for (const key of [live, sealed]) await store.append(key, 0, file)
      await store.seal(sealed, file.length)
      await store.close()
      store = await opened.reopen()
      for (const key of [live, sealed]) {
        expect((await readAll(store, key, 'all')).equals(outputOf(sample, 'all'))).toBe(true)
      }
      expect((await store.append(live, 0, file)).accepted).toBe(file.length)
      expect(await store.seal(live, file.length)).toEqual(await store.sealed(sealed))
    })

    followConformance({ store: () => store, newKey })
  })
}
