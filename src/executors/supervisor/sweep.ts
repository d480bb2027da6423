/** Removes everything under this runner's marks that no attempt we know of needs, and says how much there was. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CgroupSpace } from '../cgroup/base.ts'
import { removeCgroup } from '../cgroup/remove.ts'
import { killTree } from '../kill-tree.ts'
import { allPids } from '../processes.ts'
import { homePrefix, markerPrefix } from '../sandbox/unisolated.ts'
import { homesIn, namesIn } from './recover.ts'

export interface Marks {
  tag: string
  space: CgroupSpace
  pipesDir: string
  attemptsDir: string
  /** What is known, and stays. */
  slots: ReadonlySet<string>
  keys: ReadonlySet<string>
  stateFiles: ReadonlySet<string>
  markers: ReadonlySet<string>
}

export async function sweepMarks(marks: Marks): Promise<number> {
  return (
    (await sweepCgroups(marks)) +
    (await sweepProcesses(marks)) +
    sweepPipes(marks) +
    sweepFiles(marks) +
    (await sweepHomes(marks))
  )
}

async function sweepCgroups({ space, slots }: Marks): Promise<number> {
  const strays = new Set(space.hierarchies.flatMap(({ dir }) => namesIn(dir)))
  for (const name of [...strays]) {
    // A probe is made and removed within moments by whoever makes it.
    if (slots.has(name) || name.startsWith('probe-')) {
      strays.delete(name)
      continue
    }
    const cgroups = space.hierarchies.map(({ dir }) => join(dir, name))
    await killTree({ cgroups, roots: [] })
    await Promise.all(cgroups.map(removeCgroup))
  }
  return strays.size
}

/** Of isolation "none" without a cgroup. */
async function sweepProcesses({ tag, markers }: Marks): Promise<number> {
  const strays = new Set<string>()
  for (const pid of allPids()) {
    const marker = environmentOf(pid).find((entry) => entry.startsWith(markerPrefix(tag)))
    if (marker !== undefined && !markers.has(marker)) strays.add(marker)
  }
  for (const marker of strays) await killTree({ cgroups: [], roots: [], marker })
  return strays.size
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}

function sweepPipes({ pipesDir, slots }: Marks): number {
  return removeFrom(pipesDir, (name) => !slots.has(name.replace(/\.(stdout|stderr|status|order|report)$/, '')))
}

function sweepFiles({ attemptsDir, keys, stateFiles, tag }: Marks): number {
  const strays = removeFrom(
    attemptsDir,
    (name) => !stateFiles.has(name) && !keys.has(name.replace(/\.(log|report)$/, '')),
  )
  return strays + removeFrom('/dev/shm', (name) => name.startsWith(`runyard-${tag}-`))
}

async function sweepHomes({ tag, slots }: Marks): Promise<number> {
  const strays = homesIn(tag).filter((name) => !slots.has(name.slice(homePrefix(tag).length)))
  for (const name of strays) await rm(join(tmpdir(), name), { recursive: true, force: true })
  return strays.length
}

function removeFrom(dir: string, isStray: (name: string) => boolean): number {
  let names: string[] = []
  try {
    names = readdirSync(dir)
  } catch {
    return 0
  }
  const strays = names.filter(isStray)
  for (const name of strays) rmSync(join(dir, name), { recursive: true, force: true })
  return strays.length
}
