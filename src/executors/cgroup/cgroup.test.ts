import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { oomKillsOf, setLimits, usageOf, type AttemptCgroup } from './attempt-cgroup.ts'
import { cgroupKind, cgroupMounts } from './mounts.ts'

const line = (id: number, point: string, type: string, options: string): string =>
  `${id} 20 0:${id} / ${point} rw,relatime shared:${id} - ${type} cgroup rw,${options}`
const v1Lines = [
  line(30, '/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'),
  line(31, '/sys/fs/cgroup/memory', 'cgroup', 'memory'),
  line(32, '/sys/fs/cgroup/systemd', 'cgroup', 'xattr,name=systemd'),
]

test.each([
  ['v1', v1Lines],
  ['hybrid', [...v1Lines, line(33, '/sys/fs/cgroup/unified', 'cgroup2', 'nsdelegate')]],
  ['v2', [line(33, '/sys/fs/cgroup', 'cgroup2', 'nsdelegate')]],
  ['none', ['22 1 0:21 / /proc rw - proc proc rw']],
])('%s is recognised from the mounts', (kind, lines) => {
  const mounts = cgroupMounts(lines.join('\n'))
  expect(cgroupKind(mounts)).toBe(kind)
  if (kind === 'hybrid') {
    expect([...mounts.v1]).toEqual([
      ['cpu', '/sys/fs/cgroup/cpu,cpuacct'],
      ['cpuacct', '/sys/fs/cgroup/cpu,cpuacct'],
      ['memory', '/sys/fs/cgroup/memory'],
    ])
    expect(mounts.v2).toBe('/sys/fs/cgroup/unified')
  }
})

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runyard-cgroup-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const files = (contents: Record<string, string>): void => {
  for (const [name, text] of Object.entries(contents)) writeFileSync(join(dir, name), text)
}
const read = (name: string): string => readFileSync(join(dir, name), 'utf8')
const v2 = (): AttemptCgroup => ({ dirs: [{ version: 2, dir, controllers: ['cpu', 'memory', 'pids', 'io'] }] })
const all = { cpu: 0.25, memoryBytes: 1 << 20, pids: 7, io: { bytesPerSecond: 5, devices: ['8:0', '8:16'] } }

test('v2: the files and words of the kernel', () => {
  expect(setLimits(v2(), all)).toEqual(new Map())
  expect(['cpu.max', 'memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max', 'io.max'].map(read)).toEqual([
    '25000 100000',
    '1048576',
    '0',
    '1',
    '7',
    '8:16 rbps=5 wbps=5',
  ])
  files({
    'cpu.stat': 'usage_usec 2500000\nuser_usec 1\n',
    'memory.peak': '4096\n',
    'io.stat': '8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2 rios=1\n',
    'memory.events': 'low 0\noom 2\noom_kill 3\n',
  })
  expect(usageOf(v2())).toEqual({ cpu_ms: 2500, memory_peak_bytes: 4096, io_read_bytes: 11, io_write_bytes: 22 })
  expect(oomKillsOf(v2())).toBe(3)
})

test('v1: the same, in its own words', () => {
  const cgroup: AttemptCgroup = {
    dirs: [{ version: 1, dir, controllers: ['cpu', 'cpuacct', 'memory', 'pids', 'blkio', 'freezer'] }],
  }
  expect(setLimits(cgroup, all)).toEqual(new Map())
  expect(
    ['cpu.cfs_period_us', 'cpu.cfs_quota_us', 'memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'pids.max'].map(
      read,
    ),
  ).toEqual(['100000', '25000', '1048576', '1048576', '7'])
  files({
    'cpuacct.usage': '2500000000\n',
    'memory.max_usage_in_bytes': '4096\n',
    'blkio.throttle.io_service_bytes_recursive': '8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n',
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
  })
  expect(usageOf(cgroup)).toEqual({
    cpu_ms: 2500,
    memory_peak_bytes: 4096,
    io_read_bytes: 10,
    io_write_bytes: 20,
  })
  expect(oomKillsOf(cgroup)).toBe(1)
})

test('a limit without its controller, or that the kernel refuses, is named', () => {
  const failed = setLimits({ dirs: [{ version: 2, dir, controllers: ['memory'] }] }, all)
  expect([...failed.keys()].toSorted()).toEqual(['cpu', 'io', 'pids'])
  mkdirSync(join(dir, 'pids.max'))
  expect([...setLimits(v2(), all).keys()]).toEqual(['pids'])
})
