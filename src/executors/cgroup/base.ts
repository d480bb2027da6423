/**
 * The cgroups that are ours: in every hierarchy a base (`runyard`, or `runyard-<uid>` that root made and gave to us),
 * below it one directory per runner, below that one per attempt. What can really be used is found by trying it.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { handDown } from '../launcher/delegated-cgroup.ts'
import { cgroupKind, cgroupMounts, type CgroupKind, type CgroupMounts, type Controller } from './mounts.ts'
import { removeCgroup } from './remove.ts'

export interface Hierarchy {
  version: 1 | 2
  /** `<base>/<runner>`. */
  dir: string
  /** Those of its controllers that we could set up, by their v2 names where both have one. */
  controllers: Set<Controller | 'io'>
}

export interface CgroupSpace {
  kind: CgroupKind
  hierarchies: Hierarchy[]
  /** Why a hierarchy cannot be used, by its mount point. */
  problems: Map<string, string>
}

export const noCgroups: CgroupSpace = { kind: 'none', hierarchies: [], problems: new Map() }

export function baseName(uid = process.getuid?.() ?? 0): string {
  return uid === 0 ? 'runyard' : `runyard-${uid}`
}

export interface SpaceOptions {
  /** Names this runner's part of the base. */
  runner: string
  /** Where systemd delegated a v2 tree to the launcher. */
  delegated: string | null
  mounts?: CgroupMounts
}

export async function openCgroupSpace(options: SpaceOptions): Promise<CgroupSpace> {
  const mounts = options.mounts ?? cgroupMounts()
  const space: CgroupSpace = { kind: cgroupKind(mounts), hierarchies: [], problems: new Map() }
  const found: { mount: string; hierarchy: Hierarchy }[] = []
  const v1Mounts = new Map<string, Controller[]>()
  for (const [controller, mount] of mounts.v1) v1Mounts.set(mount, [...(v1Mounts.get(mount) ?? []), controller])

  for (const [mount, controllers] of v1Mounts) {
    const dir = join(mount, baseName(), options.runner)
    const hierarchy: Hierarchy = { version: 1, dir, controllers: new Set(controllers) }
    if (await canMake(dir, mount, space)) found.push({ mount, hierarchy })
  }
  if (mounts.v2) {
    const base = options.delegated ?? join(mounts.v2, baseName())
    const dir = join(base, options.runner)
    if (await canMake(dir, mounts.v2, space)) {
      for (const at of options.delegated ? [base, dir] : [mounts.v2, base, dir]) tryHandDown(at)
      const offered = readFileSync(join(dir, 'cgroup.subtree_control'), 'latin1').trim().split(' ')
      const controllers = new Set(offered.filter((name) => name !== '')) as Hierarchy['controllers']
      found.push({ mount: mounts.v2, hierarchy: { version: 2, dir, controllers } })
    }
  }
  for (const { mount, hierarchy } of found) {
    const refusal = await tryToEnter(hierarchy.dir)
    if (refusal === null) space.hierarchies.push(hierarchy)
    else space.problems.set(mount, refusal)
  }
  // Beside v1 the unified hierarchy only makes kills faster; without it nothing is missing.
  if (mounts.v2 && mounts.v1.size > 0) space.problems.delete(mounts.v2)
  return space
}

async function canMake(dir: string, mount: string, space: CgroupSpace): Promise<boolean> {
  try {
    await mkdir(dir, { recursive: true })
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    space.problems.set(mount, code === 'EROFS' ? 'mounted read-only' : `no permission to make a cgroup (${code})`)
    return false
  }
}

function tryHandDown(dir: string): void {
  if (existsSync(join(dir, 'cgroup.subtree_control'))) handDown(dir)
}

/** A process of ours really has to get in: v2 refuses it even in a directory that we own (delegation containment). */
async function tryToEnter(dir: string): Promise<string | null> {
  const probe = join(dir, `probe-${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    await mkdir(probe)
    await new Promise<void>((resolve, reject) => {
      execFile('/bin/sh', ['-c', 'echo 0 > "$1"', 'probe', join(probe, 'cgroup.procs')], (error) =>
        error ? reject(error) : resolve(),
      )
    })
    return null
  } catch (error) {
    return `cannot put a process into ${dir} (${(error as Error).message.trim().split('\n').at(-1)})`
  } finally {
    await removeCgroup(probe)
  }
}

/** Gives the runner's own directories back; those with attempts in them stay. */
export async function removeSpace(space: CgroupSpace): Promise<void> {
  for (const { dir } of space.hierarchies) {
    await rmdir(dir).catch(() => {})
    await rmdir(dirname(dir)).catch(() => {})
  }
}
