/**
 * Who holds which limit. A cgroup holds it for the whole tree; where there is none, RLIMITs inside the sandbox hold
 * what they can. A limit that the job named and that nobody holds refuses the job; a built-in default is recorded as
 * unenforced (`settled.md`, Isolation policy).
 */
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import type { Limits } from '../../job/spec.ts'
import type { CgroupLimit, CgroupLimits } from '../cgroup/attempt-cgroup.ts'
import type { CgroupSpace } from '../cgroup/base.ts'
import { StartRefused, type AttemptOrder, type Facilities } from '../executor.ts'
import { setupLine } from '../setup-line.ts'
import { leavesFiles } from './pickup.ts'
import { wayOutProcesses } from './way-out.ts'

/** bubblewrap's monitor and the sandbox's init are in the cgroup too. */
const ownProcesses = 2
/** bubblewrap needs some descriptors to build the sandbox; a lower limit is set just before the command. */
const bwrapNeedsFiles = 64

export interface LimitPlan {
  cgroup: CgroupLimits
  openFiles: number
  /** For `prlimit` inside the sandbox. */
  inside: { nproc?: number; data?: number; nofile?: number }
  unenforced: string[]
}

export interface HostLimits {
  space: CgroupSpace
  /** Hard RLIMIT_NOFILE of this process, which the launcher inherits. */
  maxOpenFiles: number
  /** Processes are counted per user namespace (Linux 5.14), or the uid belongs to the job alone. */
  nprocHolds: boolean
  tmpfsSize: boolean
  prlimit: boolean
}

const controllerOf: Record<CgroupLimit, string> = { cpu: 'cpu', memoryBytes: 'memory', pids: 'pids', io: 'io' }
const wireName: Record<CgroupLimit, keyof Limits> = {
  cpu: 'cpu',
  memoryBytes: 'memory_bytes',
  pids: 'pids',
  io: 'io_bytes_per_second',
}

export function cgroupHolds(space: CgroupSpace, limit: CgroupLimit): boolean {
  return space.hierarchies.some(({ version, controllers }) => {
    const name = controllerOf[limit]
    return controllers.has((version === 1 && name === 'io' ? 'blkio' : name) as never)
  })
}

/** `ioDevices`: the disks the job can reach, or the reason why that is not known. */
export function planLimits(
  order: Pick<AttemptOrder, 'limits' | 'named'> & {
    spec: Pick<AttemptOrder['spec'], 'isolation' | 'junit' | 'outputs' | 'artifacts'> & { network?: string }
  },
  host: HostLimits,
  ioDevices: string[] | string,
): LimitPlan {
  const { limits } = order
  const isolated = order.spec.isolation === 'full'
  // The process that waits for the command to read its files.
  const beside = (leavesFiles(order.spec) ? 1 : 0) + (order.spec.network === 'egress' ? wayOutProcesses : 0)
  const plan: LimitPlan = {
    cgroup: {},
    openFiles: Math.max(limits.open_files, Math.min(bwrapNeedsFiles, host.maxOpenFiles)),
    inside: {},
    unenforced: [],
  }
  const notHeld = (name: keyof Limits, why: string): void => {
    if (order.named.includes(name)) throw cannotHold(name, why)
    plan.unenforced.push(name)
  }

  if (cgroupHolds(host.space, 'cpu')) plan.cgroup.cpu = limits.cpu
  else notHeld('cpu', whyNoCgroup(host.space, 'cpu'))

  if (cgroupHolds(host.space, 'memoryBytes')) plan.cgroup.memoryBytes = limits.memory_bytes
  else {
    // For one process, not for the tree: better than nothing, but not the limit that was meant.
    if (isolated && host.prlimit) plan.inside.data = limits.memory_bytes
    notHeld('memory_bytes', whyNoCgroup(host.space, 'memory'))
  }

  if (cgroupHolds(host.space, 'pids')) plan.cgroup.pids = limits.pids + (isolated ? ownProcesses : 0) + beside
  else if (isolated && host.nprocHolds && host.prlimit) plan.inside.nproc = limits.pids + 1 + beside
  else notHeld('pids', whyNoCgroup(host.space, 'pids'))

  if (limits.open_files > host.maxOpenFiles) {
    // Fewer than asked: as a limit it holds, as a promise to the job it does not.
    if (order.named.includes('open_files')) {
      throw cannotHold('open_files', `this runner may open at most ${host.maxOpenFiles} files itself (ulimit -Hn)`)
    }
    plan.openFiles = host.maxOpenFiles
  }
  if (limits.open_files < bwrapNeedsFiles) {
    if (isolated && host.prlimit) plan.inside.nofile = limits.open_files
    else plan.openFiles = limits.open_files
  }

  if (!isolated || !host.tmpfsSize) {
    notHeld(
      'disk_bytes',
      isolated ? 'this bubblewrap cannot size a tmpfs (--size)' : 'isolation "none" has no private disk',
    )
  }
  if (limits.io_bytes_per_second !== undefined) {
    if (!cgroupHolds(host.space, 'io')) notHeld('io_bytes_per_second', whyNoCgroup(host.space, 'io'))
    else if (typeof ioDevices === 'string') notHeld('io_bytes_per_second', ioDevices)
    else plan.cgroup.io = { bytesPerSecond: limits.io_bytes_per_second, devices: ioDevices }
  }
  return plan
}

/** Limits that the cgroup refused at the last moment. */
export function afterCgroup(
  plan: LimitPlan,
  failed: Map<CgroupLimit, string>,
  named: readonly (keyof Limits)[],
): string[] {
  for (const [limit, why] of failed) {
    const name = wireName[limit]
    if (named.includes(name)) throw cannotHold(name, why)
    plan.unenforced.push(name)
  }
  return plan.unenforced
}

const cannotHold = (name: string, why: string): StartRefused =>
  new StartRefused('refused', `the limit ${name} cannot be enforced on this runner: ${why}`)

function whyNoCgroup(space: CgroupSpace, controller: string): string {
  const problem = [...space.problems.values()][0]
  const found =
    space.kind === 'none' ? 'no cgroup file system is mounted' : (problem ?? `no cgroup controller "${controller}"`)
  const fix = problem === 'mounted read-only' ? 'give the container a writable cgroup file system' : setupLine
  return `${found} (fix: ${fix})`
}

/** The inner program that sets RLIMITs; empty when there is nothing to set. */
export function limiterArgv(inside: LimitPlan['inside']): string[] {
  const options = Object.entries(inside).map(([name, value]) => `--${name}=${value}:${value}`)
  return options.length > 0 ? ['/usr/bin/prlimit', ...options, '--'] : []
}

export function maxOpenFiles(): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
  return hard === undefined || hard === 'unlimited' ? 1_048_576 : Number(hard)
}

export function countsProcessesPerNamespace(kernel = release()): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map(Number)
  return major > 5 || (major === 5 && minor >= 14)
}

export const blkio = 'cgroup blkio'

/** The same knowledge for registration and `doctor`. */
export function limitFacilities(host: HostLimits, isolated: boolean): Facilities['limits'] {
  const byCgroup = (limit: CgroupLimit, controller: string): Facilities['limits']['cpu'] =>
    cgroupHolds(host.space, limit)
      ? { held: true, by: `cgroup ${controller}` }
      : { held: false, reason: whyNoCgroup(host.space, controller) }
  const pids = byCgroup('pids', 'pids')
  return {
    cpu: byCgroup('cpu', 'cpu'),
    memory_bytes: byCgroup('memoryBytes', 'memory'),
    pids: !pids.held && isolated && host.nprocHolds && host.prlimit ? { held: true, by: 'RLIMIT_NPROC' } : pids,
    open_files: { held: true, by: `RLIMIT_NOFILE up to ${host.maxOpenFiles}` },
    output_bytes: { held: true, by: 'runner' },
    disk_bytes: isolated && host.tmpfsSize ? { held: true, by: 'tmpfs size' } : { held: false, reason: 'no sandbox' },
    io_bytes_per_second: ioHolder(host.space) ?? byCgroup('io', 'io'),
  }
}

/** Version 1 does not know whose page a later write-back writes, so it throttles only what goes to the disk at once. */
function ioHolder(space: CgroupSpace): Facilities['limits']['cpu'] | undefined {
  const byBlkio = space.hierarchies.some((h) => h.version === 1 && h.controllers.has('blkio'))
  return byBlkio ? { held: true, by: `${blkio}: reads, direct and synced writes` } : undefined
}
