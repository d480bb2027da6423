import { expect, test } from 'vitest'
import { effectiveLimits, limitProblems, reservation, type LimitPolicy } from './limits.ts'

const policy: LimitPolicy = {
  commandTimeoutSeconds: 60,
  maxTimeoutSeconds: 600,
  defaultCpu: 1,
  maxCpu: 2,
  defaultMemoryBytes: 100,
  maxMemoryBytes: 1000,
  defaultPids: 10,
  maxPids: 20,
  defaultOpenFiles: 100,
  maxOpenFiles: 200,
  defaultDiskBytes: 50,
  maxDiskBytes: 60,
  defaultOutputBytes: 70,
  maxOutputBytes: 80,
  enforceLimits: ['pids'],
}

test('defaults where the job is silent; named are what it asked for and what the administrator enforces', () => {
  expect(effectiveLimits({ limits: { memory_bytes: 500 } }, policy)).toEqual({
    limits: { cpu: 1, memory_bytes: 500, pids: 10, open_files: 100, disk_bytes: 50, output_bytes: 70 },
    named: ['memory_bytes', 'pids'],
    timeoutSeconds: 60,
  })
})

test('a maximum that was lowered after the submit holds', () => {
  const { limits, timeoutSeconds } = effectiveLimits({ limits: { cpu: 8 }, timeout_seconds: 9999 }, policy)
  expect([limits.cpu, timeoutSeconds]).toEqual([2, 600])
})

test('asking for more than the maximum is refused, field by field', () => {
  const problems = limitProblems({ limits: { cpu: 2.5, memory_bytes: 1001, pids: 20 }, timeout_seconds: 601 }, policy)
  expect(problems.map((p) => p.field)).toEqual(['limits.cpu', 'limits.memory_bytes', 'timeout_seconds'])
})

test('a runner reserves only what a job asks for', () => {
  expect(reservation({})).toEqual({ laneCpuMillis: 0, laneMemoryMib: 0 })
  expect(reservation({ limits: { cpu: 0.25, memory_bytes: 5 * 2 ** 20 + 1 } })).toEqual({
    laneCpuMillis: 250,
    laneMemoryMib: 6,
  })
})
