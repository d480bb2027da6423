/** Pages of a log as messages. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chunksOf } from './job-output.ts'

const piece = (stream: 'stdout' | 'stderr' | 'mark', offset: number, length: number, time = 0) => ({
  ...{ stream, offset, time },
  bytes: Buffer.alloc(length, stream),
})

test('neighbours of one stream are joined, up to 256 KiB and one second; a mark stands alone', () => {
  const shapes = (pieces: ReturnType<typeof piece>[]) =>
    chunksOf(pieces).map(({ stream, offset, bytes }) => [stream, offset, bytes.length])
  const k64 = 64 * 1024
  expect(shapes([0, 1, 2, 3, 4].map((i) => piece('stdout', i * k64, k64)))).toEqual([
    ['stdout', 0, 4 * k64],
    ['stdout', 4 * k64, k64],
  ])
  expect(shapes([piece('stdout', 0, 1), piece('stderr', 1, 1), piece('stdout', 2, 1), piece('stdout', 3, 1)])).toEqual([
    ['stdout', 0, 1],
    ['stderr', 1, 1],
    ['stdout', 2, 2],
  ])
  expect(shapes([piece('mark', 0, 9), piece('mark', 0, 9), piece('stdout', 0, 1)])).toHaveLength(3)
  expect(shapes([piece('stdout', 0, 1, 0), piece('stdout', 1, 1, 999), piece('stdout', 2, 1, 1000)])).toEqual([
    ['stdout', 0, 2],
    ['stdout', 2, 1],
  ])
})

test('whatever the pieces, no byte is lost, moved or said twice', () => {
  const parts = fc.array(
    fc.record({
      stream: fc.constantFrom('stdout' as const, 'stderr' as const, 'mark' as const),
      length: fc.integer({ min: 1, max: 65_536 }),
      pause: fc.integer({ min: 0, max: 700 }),
    }),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(parts, (given) => {
      let [offset, time] = [0, 0]
      const pieces = given.map(({ stream, length, pause }, i) => {
        const one = { stream, offset, time: (time += pause), bytes: Buffer.alloc(length, i) }
        if (stream !== 'mark') offset += length
        return one
      })
      const chunks = chunksOf(pieces)
      let at = 0
      for (const chunk of chunks) {
        expect(chunk.offset).toBe(at)
        expect(chunk.bytes.length).toBeLessThanOrEqual(256 * 1024)
        if (chunk.stream !== 'mark') at += chunk.bytes.length
      }
      const bytesOf = (list: readonly { stream: string; bytes: Uint8Array }[]) =>
        ['stdout', 'stderr', 'mark'].map((name) =>
          Buffer.concat(list.filter(({ stream }) => stream === name).map(({ bytes }) => bytes)).toString('base64'),
        )
      expect(bytesOf(chunks)).toEqual(bytesOf(pieces))
    }),
    { numRuns: 50 },
  )
})
