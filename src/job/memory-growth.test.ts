import { expect, test } from 'vitest'
import { grownMemory, withMemory } from './memory-growth.ts'
import { jobSpecSchema } from './spec.ts'

const MiB = 2 ** 20
const bounds = { defaultMemoryBytes: 512 * MiB, maxMemoryBytes: 4096 * MiB }

test.each([
  ['twice as much', 256, { memory_factor: 2 }, 512],
  ['in whole MiB, upwards', 5, { memory_factor: 1.5 }, 8],
  ['a little is one MiB at least', 4, { memory_factor: 1.01 }, 5],
  ['up to what the job says', 256, { memory_factor: 4, memory_max_bytes: 600 * MiB }, 600],
  ['up to what the administrator allows', 3000, { memory_factor: 8, memory_max_bytes: 8000 * MiB }, 4096],
  ['not beyond it', 4096, { memory_factor: 2 }, null],
  ['not below what it had, where its maximum is less', 700, { memory_factor: 2, memory_max_bytes: 600 * MiB }, null],
  ['a factor of one', 256, { memory_factor: 1 }, null],
  ['without a factor', 256, {}, null],
])('%s', (_, had, retry, next) => {
  expect(grownMemory(had * MiB, retry, bounds)).toBe(next === null ? null : next * MiB)
})

test('the attempt asks for it by name; without growth the spec is the same one', () => {
  const spec = { limits: { cpu: 2, memory_bytes: 1 } }
  expect(withMemory(spec, null)).toBe(spec)
  expect(withMemory(spec, '1048576')).toEqual({ limits: { cpu: 2, memory_bytes: MiB } })
  expect(withMemory({}, '1048576')).toEqual({ limits: { memory_bytes: MiB } })
})

test.each([
  [{ memory_factor: 2, memory_max_bytes: 512 * MiB }, []],
  [{ memory_factor: 9 }, ['retry.memory_factor']],
  [{ memory_factor: 0.5 }, ['retry.memory_factor']],
  [{ memory_factor: 2, on: ['exit'] }, ['retry.memory_factor']],
  [{ memory_max_bytes: 512 * MiB }, ['retry.memory_max_bytes']],
  [{ memory_factor: 2, memory_max_bytes: 128 * MiB }, ['retry.memory_max_bytes']],
])('retry %j', (retry, wrong) => {
  const read = jobSpecSchema.safeParse({ command: ['true'], limits: { memory_bytes: 256 * MiB }, retry })
  expect(read.error?.issues.map(({ path }) => path.join('.')) ?? []).toEqual(wrong)
})
