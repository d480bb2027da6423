/** One attempt's cgroup: a directory in each hierarchy, with limits, usage and the kernel's word on memory kills. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Usage } from '../../job/outcome.ts'
import { handDown } from '../launcher/delegated-cgroup.ts'
import type { CgroupSpace, Hierarchy } from './base.ts'
import { removeCgroup } from './remove.ts'

export interface CgroupLimits {
  cpu?: number
  memoryBytes?: number
  pids?: number
  io?: { bytesPerSecond: number; devices: string[] }
}
export type CgroupLimit = keyof CgroupLimits

/** Enough to use the cgroup again from another process; kept in the attempt's state file. */
export interface AttemptCgroup {
  dirs: { version: 1 | 2; dir: string; controllers: string[] }[]
}

const cpuPeriodUs = 100_000
const minimumQuotaUs = 1000

export async function createAttemptCgroup(space: CgroupSpace, name: string): Promise<AttemptCgroup> {
  const dirs = space.hierarchies.map((hierarchy: Hierarchy) => ({
    version: hierarchy.version,
    dir: join(hierarchy.dir, name),
    controllers: [...hierarchy.controllers],
  }))
  await Promise.all(dirs.map(({ dir }) => makeIn(dir)))
  return { dirs }
}

/** The runner's own directory may have been cleared away by someone who found it empty. */
async function makeIn(dir: string): Promise<void> {
  try {
    await mkdir(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const parent = dirname(dir)
    await mkdir(parent, { recursive: true })
    if (existsSync(join(parent, 'cgroup.subtree_control'))) for (const at of [dirname(parent), parent]) handDown(at)
    await mkdir(dir)
  }
}

export const directoriesOf = (cgroup: AttemptCgroup): string[] => cgroup.dirs.map(({ dir }) => dir)

/** A process that writes "0" into each of these is in the cgroup. */
export const procsOf = (cgroup: AttemptCgroup): string[] => cgroup.dirs.map(({ dir }) => join(dir, 'cgroup.procs'))

export async function removeAttemptCgroup(cgroup: AttemptCgroup): Promise<boolean> {
  const gone = await Promise.all(cgroup.dirs.map(({ dir }) => removeCgroup(dir)))
  return gone.every(Boolean)
}

/** Sets what can be set and answers which limits could not, each with the reason. */
export async function setLimits(cgroup: AttemptCgroup, limits: CgroupLimits): Promise<Map<CgroupLimit, string>> {
  const failed = new Map<CgroupLimit, string>()
  const hold = async (limit: CgroupLimit, controller: string, v1: Setter, v2: Setter): Promise<void> => {
    if (limits[limit] === undefined) return
    const at = placeOf(cgroup, controller)
    if (!at) return void failed.set(limit, `no ${controller} cgroup`)
    try {
      await (at.version === 1 ? v1 : v2)(at.dir)
    } catch (error) {
      failed.set(limit, (error as Error).message)
    }
  }
  const { cpu = 0, memoryBytes = 0, pids = 0, io = { bytesPerSecond: 0, devices: [] } } = limits
  const quota = Math.max(minimumQuotaUs, Math.round(cpu * cpuPeriodUs))
  await Promise.all([
    hold(
      'cpu',
      'cpu',
      async (dir) => {
        await set(dir, 'cpu.cfs_period_us', cpuPeriodUs)
        await set(dir, 'cpu.cfs_quota_us', quota)
      },
      (dir) => set(dir, 'cpu.max', `${quota} ${cpuPeriodUs}`),
    ),
    hold(
      'memoryBytes',
      'memory',
      async (dir) => {
        await set(dir, 'memory.limit_in_bytes', memoryBytes)
        // Memory plus swap; missing where the kernel does not count swap.
        await setIfThere(dir, 'memory.memsw.limit_in_bytes', memoryBytes)
      },
      async (dir) => {
        await set(dir, 'memory.max', memoryBytes)
        await setIfThere(dir, 'memory.swap.max', 0)
        await setIfThere(dir, 'memory.oom.group', 1)
      },
    ),
    hold(
      'pids',
      'pids',
      (dir) => set(dir, 'pids.max', pids),
      (dir) => set(dir, 'pids.max', pids),
    ),
    hold(
      'io',
      'io',
      async (dir) => {
        for (const device of io.devices) {
          await set(dir, 'blkio.throttle.read_bps_device', `${device} ${io.bytesPerSecond}`)
          await set(dir, 'blkio.throttle.write_bps_device', `${device} ${io.bytesPerSecond}`)
        }
      },
      async (dir) => {
        for (const device of io.devices) {
          await set(dir, 'io.max', `${device} rbps=${io.bytesPerSecond} wbps=${io.bytesPerSecond}`)
        }
      },
    ),
  ])
  return failed
}

type Setter = (dir: string) => Promise<void>

const set = (dir: string, file: string, value: string | number): Promise<void> =>
  writeFile(join(dir, file), String(value))

async function setIfThere(dir: string, file: string, value: string | number): Promise<void> {
  await set(dir, file, value).catch((error: NodeJS.ErrnoException) => {
    // A file that is missing cannot even be made in a cgroup directory: EACCES or EPERM beside ENOENT.
    if (!['ENOENT', 'EACCES', 'EPERM'].includes(error.code ?? '')) throw error
  })
}

const v1Names: Record<string, string> = { io: 'blkio' }

function placeOf(cgroup: AttemptCgroup, controller: string): { version: 1 | 2; dir: string } | undefined {
  return cgroup.dirs.find(({ version, controllers }) =>
    controllers.includes(version === 1 ? (v1Names[controller] ?? controller) : controller),
  )
}

const read = (dir: string, file: string): Promise<string> => readFile(join(dir, file), 'latin1').catch(() => '')

const numberAfter = (text: string, key: string): number | undefined => {
  const found = new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

export async function usageOf(cgroup: AttemptCgroup): Promise<Usage> {
  const usage: Usage = {}
  await Promise.all(cgroup.dirs.map(async (at) => Object.assign(usage, await usageAt(at))))
  return usage
}

async function usageAt(at: AttemptCgroup['dirs'][number]): Promise<Usage> {
  const has = (controller: string): boolean => at.controllers.includes(controller)
  const usage: Usage = {}
  if (at.version === 2) {
    // Counted for every v2 cgroup, also beside v1 where the cpu controller is not here.
    const cpu = numberAfter(await read(at.dir, 'cpu.stat'), 'usage_usec')
    if (cpu !== undefined) usage.cpu_ms = Math.round(cpu / 1000)
    const peak = has('memory') ? Number(await read(at.dir, 'memory.peak')) : 0
    if (peak > 0) usage.memory_peak_bytes = peak
    if (has('io')) Object.assign(usage, ioOf(await read(at.dir, 'io.stat'), /rbytes=(\d+)/g, /wbytes=(\d+)/g))
    return usage
  }
  if (has('cpuacct')) {
    const nanoseconds = (await read(at.dir, 'cpuacct.usage')).trim()
    if (nanoseconds !== '') usage.cpu_ms = Math.round(Number(nanoseconds) / 1e6)
  }
  if (has('memory')) {
    const peak = (await read(at.dir, 'memory.max_usage_in_bytes')).trim()
    if (peak !== '') usage.memory_peak_bytes = Number(peak)
  }
  if (has('blkio')) {
    const text =
      (await read(at.dir, 'blkio.throttle.io_service_bytes_recursive')) ||
      (await read(at.dir, 'blkio.throttle.io_service_bytes'))
    Object.assign(usage, ioOf(text, /^\S+ Read (\d+)$/gm, /^\S+ Write (\d+)$/gm))
  }
  return usage
}

function ioOf(text: string, reads: RegExp, writes: RegExp): Usage {
  const sum = (pattern: RegExp): number => [...text.matchAll(pattern)].reduce((total, m) => total + Number(m[1]), 0)
  return { io_read_bytes: sum(reads), io_write_bytes: sum(writes) }
}

/** Processes of this cgroup that the kernel killed for memory. On v1 only the leaf itself counts them. */
export async function oomKillsOf(cgroup: AttemptCgroup): Promise<number> {
  const at = placeOf(cgroup, 'memory')
  if (!at) return 0
  const text = await read(at.dir, at.version === 2 ? 'memory.events' : 'memory.oom_control')
  return numberAfter(text, 'oom_kill') ?? 0
}
