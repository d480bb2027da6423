/**
 * One cgroup: a directory in each hierarchy, with limits, usage and the kernel's word on memory kills. Synchronous:
 * these files are the kernel's memory, and a call costs less than handing it to a thread.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Usage } from '../../job/outcome.ts'
import { handDown } from '../launcher/delegated-cgroup.ts'
import type { CgroupSpace } from './base.ts'

export interface CgroupLimits {
  cpu?: number
  memoryBytes?: number
  pids?: number
  io?: { bytesPerSecond: number; devices: string[] }
}
export type CgroupLimit = keyof CgroupLimits

export interface AttemptCgroup {
  dirs: { version: 1 | 2; dir: string; controllers: string[] }[]
}

/** Reads a file of a cgroup; empty when it is not there. */
export type ReadCgroupFile = (path: string) => string

const cpuPeriodUs = 100_000
const minimumQuotaUs = 1000

export function createAttemptCgroup(space: CgroupSpace, name: string): AttemptCgroup {
  const dirs = space.hierarchies.map((hierarchy) => ({
    version: hierarchy.version,
    dir: join(hierarchy.dir, name),
    controllers: [...hierarchy.controllers],
  }))
  for (const { dir } of dirs) makeIn(dir)
  return { dirs }
}

/** The runner's own directory may have been cleared away by someone who found it empty. */
function makeIn(dir: string): void {
  try {
    mkdirSync(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const parent = dirname(dir)
    mkdirSync(parent, { recursive: true })
    if (existsSync(join(parent, 'cgroup.subtree_control'))) for (const at of [dirname(parent), parent]) handDown(at)
    mkdirSync(dir)
  }
}

export const directoriesOf = (cgroup: AttemptCgroup): string[] => cgroup.dirs.map(({ dir }) => dir)

/** A process that writes "0" into each of these is in the cgroup. */
export const procsOf = (cgroup: AttemptCgroup): string[] => cgroup.dirs.map(({ dir }) => join(dir, 'cgroup.procs'))

/**
 * Sets what can be set and answers which limits could not, each with the reason. `before` is what an earlier use of the
 * same cgroup had set: only what differs is written.
 */
export function setLimits(
  cgroup: AttemptCgroup,
  limits: CgroupLimits,
  before: CgroupLimits = {},
): Map<CgroupLimit, string> {
  const failed = new Map<CgroupLimit, string>()
  const hold = (limit: CgroupLimit, controller: string, v1: Setter, v2: Setter): void => {
    if (limits[limit] === undefined && before[limit] === undefined) return
    if (JSON.stringify(limits[limit]) === JSON.stringify(before[limit])) return
    const at = placeOf(cgroup, controller)
    if (!at) return void failed.set(limit, `no ${controller} cgroup`)
    try {
      ;(at.version === 1 ? v1 : v2)(at.dir)
    } catch (error) {
      failed.set(limit, (error as Error).message)
    }
  }
  const { cpu, memoryBytes, pids, io } = limits
  const quota = cpu === undefined ? undefined : Math.max(minimumQuotaUs, Math.round(cpu * cpuPeriodUs))
  hold(
    'cpu',
    'cpu',
    (dir) => {
      set(dir, 'cpu.cfs_period_us', cpuPeriodUs)
      set(dir, 'cpu.cfs_quota_us', quota ?? -1)
    },
    (dir) => set(dir, 'cpu.max', `${quota ?? 'max'} ${cpuPeriodUs}`),
  )
  hold(
    'memoryBytes',
    'memory',
    (dir) => {
      const memory = (): void => set(dir, 'memory.limit_in_bytes', memoryBytes ?? -1)
      // Memory plus swap; missing where the kernel does not count swap. Never less than memory alone.
      const both = (): void => setIfThere(dir, 'memory.memsw.limit_in_bytes', memoryBytes ?? -1)
      const rises = before.memoryBytes !== undefined && (memoryBytes ?? Infinity) > before.memoryBytes
      for (const step of rises ? [both, memory] : [memory, both]) step()
    },
    (dir) => {
      set(dir, 'memory.max', memoryBytes ?? 'max')
      setIfThere(dir, 'memory.swap.max', 0)
      setIfThere(dir, 'memory.oom.group', 1)
    },
  )
  const maxPids = (dir: string): void => set(dir, 'pids.max', pids ?? 'max')
  hold('pids', 'pids', maxPids, maxPids)
  const gone = before.io?.devices.filter((device) => !io?.devices.includes(device)) ?? []
  hold(
    'io',
    'io',
    (dir) => {
      for (const file of ['blkio.throttle.read_bps_device', 'blkio.throttle.write_bps_device']) {
        for (const device of gone) set(dir, file, `${device} 0`)
        for (const device of io?.devices ?? []) set(dir, file, `${device} ${io?.bytesPerSecond}`)
      }
    },
    (dir) => {
      for (const device of gone) set(dir, 'io.max', `${device} rbps=max wbps=max`)
      for (const device of io?.devices ?? []) {
        set(dir, 'io.max', `${device} rbps=${io?.bytesPerSecond} wbps=${io?.bytesPerSecond}`)
      }
    },
  )
  return failed
}

type Setter = (dir: string) => void

const set = (dir: string, file: string, value: string | number): void => writeFileSync(join(dir, file), String(value))

function setIfThere(dir: string, file: string, value: string | number): void {
  try {
    set(dir, file, value)
  } catch (error) {
    // A file that is missing cannot even be made in a cgroup directory: EACCES or EPERM beside ENOENT.
    if (!['ENOENT', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

const v1Names: Record<string, string> = { io: 'blkio' }

export function placeOf(cgroup: AttemptCgroup, controller: string): { version: 1 | 2; dir: string } | undefined {
  return cgroup.dirs.find(({ version, controllers }) =>
    controllers.includes(version === 1 ? (v1Names[controller] ?? controller) : controller),
  )
}

const readFile: ReadCgroupFile = (path) => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

const numberAfter = (text: string, key: string): number | undefined => {
  const found = new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

export function usageOf(cgroup: AttemptCgroup, read = readFile): Usage {
  const usage: Usage = {}
  for (const at of cgroup.dirs) Object.assign(usage, usageAt(at, read))
  return usage
}

function usageAt(at: AttemptCgroup['dirs'][number], read: ReadCgroupFile): Usage {
  const has = (controller: string): boolean => at.controllers.includes(controller)
  const usage: Usage = {}
  if (at.version === 2) {
    // Beside v1 the unified hierarchy has no controllers, and its cpu.stat would be one more file to read.
    const cpu = has('cpu') || has('memory') ? numberAfter(read(`${at.dir}/cpu.stat`), 'usage_usec') : undefined
    if (cpu !== undefined) usage.cpu_ms = Math.round(cpu / 1000)
    const peak = has('memory') ? Number(read(`${at.dir}/memory.peak`)) : 0
    if (peak > 0) usage.memory_peak_bytes = peak
    if (has('io')) Object.assign(usage, ioOf(read(`${at.dir}/io.stat`), /rbytes=(\d+)/g, /wbytes=(\d+)/g))
    return usage
  }
  if (has('cpuacct')) {
    const nanoseconds = read(`${at.dir}/cpuacct.usage`)
    if (nanoseconds !== '') usage.cpu_ms = Math.round(Number(nanoseconds) / 1e6)
  }
  if (has('memory')) {
    const peak = read(`${at.dir}/memory.max_usage_in_bytes`)
    if (peak !== '') usage.memory_peak_bytes = Number(peak)
  }
  if (has('blkio')) {
    const text =
      read(`${at.dir}/blkio.throttle.io_service_bytes_recursive`) || read(`${at.dir}/blkio.throttle.io_service_bytes`)
    Object.assign(usage, ioOf(text, /^\S+ Read (\d+)$/gm, /^\S+ Write (\d+)$/gm))
  }
  return usage
}

function ioOf(text: string, reads: RegExp, writes: RegExp): Usage {
  const sum = (pattern: RegExp): number => {
    let total = 0
    for (const match of text.matchAll(pattern)) total += Number(match[1])
    return total
  }
  return { io_read_bytes: sum(reads), io_write_bytes: sum(writes) }
}

/** Processes of this cgroup that the kernel killed for memory. On v1 only the leaf itself counts them. */
export function oomKillsOf(cgroup: AttemptCgroup, read = readFile): number {
  const at = placeOf(cgroup, 'memory')
  if (!at) return 0
  const text = read(`${at.dir}/${at.version === 2 ? 'memory.events' : 'memory.oom_control'}`)
  return numberAfter(text, 'oom_kill') ?? 0
}
