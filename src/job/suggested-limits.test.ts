import { expect, test } from 'vitest'
import { suggestLimits, type SuggestInput, type Usage } from './suggested-limits.ts'

const MiB = 2 ** 20
const used = (mib: number, cores = 0.5, state = 'succeeded'): Usage => ({ state, memoryBytes: mib * MiB, cores })
const times = <T>(n: number, one: T): T[] => Array.from({ length: n }, () => one)
const suggest = (attempts: Usage[], over: Partial<SuggestInput> = {}) =>
  suggestLimits({ attempts, asked: {}, effective: {}, maxMemoryBytes: 4096 * MiB, maxCpu: 4, ...over })
const limited = (mib: number, cpu: number) => {
  const limits = { memory_bytes: mib * MiB, cpu }
  return { asked: limits, effective: limits }
}

test.each([
  ['30 % more, in steps of 16 MiB', times(5, used(100)), 144],
  ['of 64 MiB', times(5, used(500)), 704],
  ['of 256 MiB', times(5, used(2000)), 2816],
  ['16 MiB at least', times(5, used(1)), 16],
  ['the maximum at most', times(5, used(4000)), 4096],
  ['one of twenty may be larger', [...times(19, used(100)), used(900)], 144],
  ['two may not', [...times(18, used(100)), ...times(2, used(900))], 1216],
  [
    'who was killed for it would have taken more',
    [...times(8, used(100)), ...times(2, used(128, 1, 'oom_killed'))],
    384,
  ],
])('memory: %s', (_, attempts, mib) => {
  expect(suggest(attempts).memory!.suggested / MiB).toBe(mib)
})

test('of fewer than five, or of those that told nothing, nothing is said', () => {
  expect(suggest(times(4, used(100)))).toEqual({ memory: null, cpu: null })
  expect(suggest(times(9, { state: 'failed', memoryBytes: null, cores: null }))).toEqual({ memory: null, cpu: null })
})

test.each([
  [0.5, 0.7],
  [0.001, 0.1],
  [1, 1.3],
  [3.9, 4],
])('of %s cores: %s', (cores, suggested) => {
  expect(suggest(times(5, used(1, cores))).cpu!.suggested).toBe(suggested)
})

test('a limit that is far too high, or that attempts come close to, is told', () => {
  const hints = (attempts: Usage[], over: Partial<SuggestInput>) => {
    const { memory, cpu } = suggest(attempts, over)
    return [memory!.hint, cpu!.hint]
  }
  const usual = times(10, used(100, 0.5))
  expect(hints(usual, limited(400, 2))).toEqual([null, null])
  expect(hints(usual, limited(401, 2.1))).toEqual(['high', 'high'])
  expect(hints(usual, limited(110, 0.55))).toEqual(['tight', 'tight'])
  expect(hints(usual, limited(112, 0.56))).toEqual([null, null])
  // Nobody asked for the default: that it is much more than needed is no mistake of theirs.
  expect(hints(usual, { effective: limited(4000, 4).effective })).toEqual([null, null])
  expect(hints(usual, { effective: limited(110, 0.5).effective })).toEqual(['tight', null])
  const { memory } = suggest([...times(8, used(100)), ...times(2, used(128, 1, 'oom_killed'))], limited(128, 2))
  expect(memory).toMatchObject({
    ...{ oomKills: 2, hint: 'tight', p95: 128 * MiB, most: 128 * MiB, limit: 128 * MiB },
    text: 'its attempts come close to their memory limit of 128 MiB: 384 MiB would leave room',
  })
  expect(suggest(usual, limited(2048, 4)).memory!.text).toBe(
    'its memory limit is 2 GiB; 95 % of its attempts use 100 MiB at most: 144 MiB would do',
  )
})
