import { expect, test } from 'vitest'
import { createCapacity } from '../capacity.ts'
import { holdBack, nothingHeld, type HoldBack, type HostSample } from './hold-back.ts'

const whole = { slots: 8, cpuMillis: 4_000, reservedMib: 0 }
const idle: HostSample = {
  ...{ cores: 4, busyCores: 0.1, ownCores: 0, loadAverage: 0.1, cpuPressure: 0, memoryPressure: 0 },
  ...{ memoryMib: 10_000, memoryAvailableMib: 8_000, ownMemoryMib: 0 },
}
const look = (over: Partial<HostSample>, before?: HoldBack) => holdBack({ ...idle, ...over }, whole, before)

test.each<[string, Partial<HostSample>, number]>([
  ['an idle host', {}, 0],
  ['other work without anybody waiting', { busyCores: 3, cpuPressure: 5 }, 0],
  ['half of the cores and processes that wait', { busyCores: 2, cpuPressure: 40 }, 4],
  ['all cores: one job goes on', { busyCores: 4, cpuPressure: 90 }, 7],
  ['its own jobs make the pressure', { busyCores: 4, ownCores: 4, cpuPressure: 90 }, 0],
  ['a quarter is its own', { busyCores: 4, ownCores: 1, cpuPressure: 90 }, 6],
  ['no pressure told: more runnable than cores', { busyCores: 4, loadAverage: 6, cpuPressure: null }, 7],
  ['no pressure told: fewer', { busyCores: 4, loadAverage: 4, cpuPressure: null }, 0],
  ['little memory left', { memoryAvailableMib: 700 }, 7],
  ['processes wait for memory', { memoryPressure: 30 }, 7],
  ['no pressure of memory told', { memoryPressure: null }, 0],
])('%s', (_, over, slots) => {
  const held = look(over)
  expect([held.slots, held.cpuMillis, held.why === null]).toEqual([slots, slots * 500, slots === 0])
})

test('it begins at one mark, ends at a lower one, and gives back slowly', () => {
  const busy = { busyCores: 4 }
  let held = look({ ...busy, cpuPressure: 24 })
  expect(held.slots).toBe(0)
  held = look({ ...busy, cpuPressure: 25 }, held)
  expect(held.slots).toBe(7)
  held = look({ ...busy, cpuPressure: 11 }, held)
  expect(held.slots).toBe(7)
  const after: number[] = []
  for (let looks = 0; looks < 8; looks++) after.push((held = look({}, held)).slots)
  expect(after).toEqual([6, 5, 4, 3, 2, 1, 0, 0])
  expect(held).toMatchObject({ why: null, shortOf: { cpu: false, memory: false } })
})

test('memory: what others and running jobs leave, less a margin', () => {
  expect(look({}).memoryMib).toBe(7_500)
  const running = { ...whole, reservedMib: 3_000 }
  expect(holdBack({ ...idle, ownMemoryMib: 1_000 }, running).memoryMib).toBe(5_500)
  expect(holdBack({ ...idle, ownMemoryMib: 4_000 }, running).memoryMib).toBe(7_500)
  expect(look({ memoryAvailableMib: 100 }).memoryMib).toBe(0)
})

test('a runner of one slot never holds it back', () => {
  const held = holdBack({ ...idle, busyCores: 4, cpuPressure: 90 }, { ...whole, slots: 1 })
  expect(held).toMatchObject({ slots: 0, cpuMillis: 0, why: null })
})

test('capacity: with a job it gives what is left, idle it takes one job of any size', () => {
  const size = { slots: 4, cpuMillis: 4_000, memoryMib: 4_000 }
  const held = { ...nothingHeld, slots: 2, cpuMillis: 2_000, memoryMib: 500 }
  const capacity = createCapacity(size, () => held)
  expect(capacity.free()).toMatchObject({ slots: 1, cpuMillis: 4_000, memoryMib: 4_000 })
  const first = capacity.reserve({ limits: { cpu: 1, memory_bytes: 1_000 * 2 ** 20 } })!
  expect(capacity.reservedMib()).toBe(1_000)
  expect(capacity.free()).toMatchObject({ slots: 1, cpuMillis: 1_000, memoryMib: 500 })
  capacity.reserve({})
  capacity.reserve({}) // of an earlier process
  expect(capacity.free().slots).toBe(0)
  capacity.release(first)
  expect(capacity.free()).toMatchObject({ slots: 0, memoryMib: 500 })
})
