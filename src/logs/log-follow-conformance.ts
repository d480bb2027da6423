/** The part of the conformance suite about followers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { follow } from './follow.ts'
import { collect, outputOf, readAll, recordsOf, sample, streams, usedMemory } from './log-samples.ts'
import type { LogStore } from './log-store.ts'
import { encodeMark, encodeRecord, maxPayload } from './records.ts'

export function followConformance(parts: { store(): LogStore; newKey(): string }): void {
  test('marks are seen by followers, count in the sums, and are no output', async () => {
    const store = parts.store()
    const key = parts.newKey()
    const file = Buffer.concat([
      encodeRecord('stdout', 1, Buffer.from('ab')),
      encodeMark(2, { kind: 'truncated', bytes: 10 }),
      encodeMark(3, { kind: 'truncated', bytes: 4000 }),
    ])
    await store.append(key, 0, file)
    expect(await store.seal(key, file.length)).toMatchObject({ stdout_bytes: 2, truncated_bytes: 4000 })
    expect((await readAll(store, key, 'all')).toString()).toBe('ab')
    const pieces = await collect(follow(store, key, { stream: 'all', offset: 0 }))
    expect(pieces.map((p) => [p.stream, p.offset, p.time])).toEqual([
      ['stdout', 0, 1],
      ['mark', 2, 2],
      ['mark', 2, 3],
    ])
  })

  test('follow replays in order of arrival with times, goes on live, and ends with the seal', async () => {
    const store = parts.store()
    const key = parts.newKey()
    const file = recordsOf(sample)
    const first = recordsOf(sample.slice(0, 2))
    await store.append(key, 0, first)
    const seen = Object.fromEntries(
      streams.map((stream) => [stream, collect(follow(store, key, { stream, offset: 0 }))]),
    )
    const resumed = collect(follow(store, key, { stream: 'all', offset: 8 }))
    await sleep(20)
    await store.append(key, first.length, file.subarray(first.length))
    await store.seal(key, file.length)
    for (const stream of streams) {
      const pieces = await seen[stream]!
      expect(Buffer.concat(pieces.map((p) => p.bytes)).equals(outputOf(sample, stream))).toBe(true)
      let offset = 0
      for (const piece of pieces) {
        expect(piece.offset).toBe(offset)
        offset += piece.bytes.length
      }
    }
    const order = (await seen['all']!).map((p) => [p.stream, p.time - 1_700_000_000_000])
    expect(order).toEqual([
      ['stdout', 0],
      ['stderr', 1],
      ['stdout', 2],
      ['stdout', 2],
      ['stderr', 3],
    ])
    expect(Buffer.concat((await resumed).map((p) => p.bytes)).equals(outputOf(sample, 'all').subarray(8))).toBe(true)
  })

  test('a follower is let go by its signal and by removal', async () => {
    const store = parts.store()
    const key = parts.newKey()
    await store.append(key, 0, recordsOf(sample.slice(0, 1)))
    const stop = new AbortController()
    const aborted = collect(follow(store, key, { stream: 'all', offset: 0 }, stop.signal))
    const removed = collect(follow(store, key, { stream: 'all', offset: 0 }))
    await sleep(20)
    stop.abort()
    expect((await aborted).length).toBe(1)
    await store.remove(key)
    expect((await removed).length).toBe(1)
  })

  test('a hundred followers see all of it while one that stalls costs next to nothing', async () => {
    const store = parts.store()
    const key = parts.newKey()
    const chunk = Buffer.alloc(maxPayload, 'line of the log\n')
    const record = encodeRecord('stdout', 1, chunk)
    const total = 200
    const stalled = follow(store, key, { stream: 'stdout', offset: 0 })
    const count = async (): Promise<number> => {
      let bytes = 0
      for await (const piece of follow(store, key, { stream: 'stdout', offset: 0 })) bytes += piece.bytes.length
      return bytes
    }
    const counts = Array.from({ length: 100 }, count)
    await store.append(key, 0, record)
    const first = await stalled.next()
    for (let i = 1; i < total; i++) await store.append(key, i * record.length, record)
    await store.seal(key, total * record.length)
    expect(new Set(await Promise.all(counts))).toEqual(new Set([total * maxPayload]))
    // The stalled one finds everything where it stopped.
    let seen = first.value!.bytes.length
    for await (const piece of stalled) seen += piece.bytes.length
    expect(seen).toBe(total * maxPayload)
  })

  test('a stalled follower holds at most 1 MiB, whatever is written', async () => {
    const store = parts.store()
    const key = parts.newKey()
    const record = encodeRecord('stdout', 1, Buffer.alloc(maxPayload, 'x'))
    await store.append(key, 0, record)
    const before = usedMemory()
    const stalled = Array.from({ length: 40 }, () => follow(store, key, { stream: 'stdout', offset: 0 }))
    for (const follower of stalled) await follower.next()
    for (let i = 1; i < 100; i++) await store.append(key, i * record.length, record)
    for (const follower of stalled) await follower.next()
    expect((usedMemory() - before) / stalled.length).toBeLessThan(1024 * 1024)
    for (const follower of stalled) await follower.return()
  })
}
