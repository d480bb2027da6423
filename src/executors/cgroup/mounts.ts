import { readFileSync } from 'node:fs'

export type Controller = 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'blkio' | 'freezer'

export interface CgroupMounts {
  /** Where each v1 controller is mounted. */
  v1: Map<Controller, string>
  /** Where the unified hierarchy is mounted; beside v1 (hybrid) it has no controllers but still kills and freezes. */
  v2: string | null
}

export type CgroupKind = 'v1' | 'v2' | 'hybrid' | 'none'

const controllers: readonly string[] = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio', 'freezer'] satisfies Controller[]

export function cgroupMounts(mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): CgroupMounts {
  const mounts: CgroupMounts = { v1: new Map(), v2: null }
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ')
    const mountPoint = before?.split(' ')[4]
    const [type, , options] = after?.split(' ') ?? []
    if (!mountPoint || !type) continue
    if (type === 'cgroup2') mounts.v2 ??= mountPoint
    if (type !== 'cgroup') continue
    for (const option of options?.split(',') ?? []) {
      if (controllers.includes(option) && !mounts.v1.has(option as Controller)) {
        mounts.v1.set(option as Controller, mountPoint)
      }
    }
  }
  return mounts
}

export function cgroupKind(mounts: CgroupMounts): CgroupKind {
  if (mounts.v1.size > 0) return mounts.v2 ? 'hybrid' : 'v1'
  return mounts.v2 ? 'v2' : 'none'
}
