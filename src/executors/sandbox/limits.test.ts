import { describe, expect, test } from 'vitest'
import type { Limits } from '../../job/spec.ts'
import type { CgroupSpace, Hierarchy } from '../cgroup/base.ts'
import { countsProcessesPerNamespace, limiterArgv, limitFacilities, planLimits, type HostLimits } from './limits.ts'

const space = (version: 1 | 2, controllers: string[]): CgroupSpace => ({
  kind: version === 1 ? 'v1' : 'v2',
  hierarchies: [{ version, dir: '/c', controllers: new Set(controllers) as Hierarchy['controllers'] }],
  problems: new Map(controllers.length > 0 ? [] : [['/c', 'no permission to make a cgroup (EACCES)']]),
})
const host = (over: Partial<HostLimits> = {}): HostLimits => ({
  space: space(1, ['cpu', 'memory', 'pids', 'blkio']),
  maxOpenFiles: 4096,
  nprocHolds: true,
  tmpfsSize: true,
  prlimit: true,
  ...over,
})
const limits = { cpu: 1, memory_bytes: 1000, pids: 10, open_files: 1024, disk_bytes: 5000 }
const plan = (over: Limits, named: (keyof Limits)[], on: HostLimits, isolation: 'full' | 'none' = 'full') =>
  planLimits({ limits: { ...limits, ...over }, named, spec: { isolation } }, on, ['8:0'])

describe('who holds which limit', () => {
  test.each([
    ['v1', space(1, ['cpu', 'memory', 'pids', 'blkio'])],
    ['v2', space(2, ['cpu', 'memory', 'pids', 'io'])],
  ])('%s: the cgroup holds them all', (_name, found) => {
    expect(plan({ io_bytes_per_second: 9 }, ['cpu', 'io_bytes_per_second'], host({ space: found }))).toEqual({
      cgroup: { cpu: 1, memoryBytes: 1000, pids: 12, io: { bytesPerSecond: 9, devices: ['8:0'] } },
      openFiles: 1024,
      inside: {},
      unenforced: [],
    })
  })

  test('without cgroups defaults fall back and say so', () => {
    const result = plan({}, [], host({ space: space(1, []) }))
    expect(result.unenforced).toEqual(['cpu', 'memory_bytes'])
    expect(result.inside).toEqual({ data: 1000, nproc: 11 })
    expect(limiterArgv(result.inside)).toEqual(['/usr/bin/prlimit', '--data=1000:1000', '--nproc=11:11', '--'])
  })

  test.each<[keyof Limits, Limits, Partial<HostLimits>, 'full' | 'none']>([
    ['cpu', {}, { space: space(1, []) }, 'full'],
    ['memory_bytes', {}, { space: space(1, []) }, 'full'],
    ['pids', {}, { space: space(1, []), nprocHolds: false }, 'full'],
    ['pids', {}, { space: space(1, []) }, 'none'],
    ['open_files', { open_files: 5000 }, {}, 'full'],
    ['disk_bytes', {}, { tmpfsSize: false }, 'full'],
    ['disk_bytes', {}, {}, 'none'],
    ['io_bytes_per_second', { io_bytes_per_second: 1 }, { space: space(1, ['cpu', 'memory', 'pids']) }, 'full'],
  ])('%s named by the job and not held: refused (%j, %j, %s)', (name, over, on, isolation) => {
    expect(() => plan(over, [name], host(on), isolation)).toThrow(`the limit ${name} cannot be enforced on this runner`)
    expect(() => plan(over, [], host(on), isolation)).not.toThrow()
  })

  test('a refusal names the fix', () => {
    expect(() => plan({}, ['cpu'], host({ space: space(1, []) }))).toThrow('sudo npx runyard setup --yes')
  })

  test('io is refused where the disk is not known', () => {
    const order = {
      limits: { ...limits, io_bytes_per_second: 1 },
      named: ['io_bytes_per_second' as const],
      spec: { isolation: 'full' as const },
    }
    expect(() => planLimits(order, host(), 'the disk is not known')).toThrow('the disk is not known')
  })

  test('very few open files are set after bubblewrap has done its work', () => {
    expect(plan({ open_files: 16 }, [], host())).toMatchObject({ openFiles: 64, inside: { nofile: 16 } })
    expect(plan({ open_files: 16 }, [], host(), 'none')).toMatchObject({ openFiles: 16, inside: {} })
  })
})

test('kernels that count processes per user namespace', () => {
  expect(['5.10.0-1', '5.14.2', '6.1.0-amd64', '4.19'].map((kernel) => countsProcessesPerNamespace(kernel))).toEqual([
    false,
    true,
    true,
    false,
  ])
})

test('what version 1 throttles of the disk is said', () => {
  const by = (found: CgroupSpace) => limitFacilities(host({ space: found }), true).io_bytes_per_second.by
  expect(by(space(1, ['blkio']))).toBe('cgroup blkio: reads, direct and synced writes')
  expect(by(space(2, ['io']))).toBe('cgroup io')
})
