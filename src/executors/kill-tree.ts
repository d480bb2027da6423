/**
 * Kills everything of an attempt and counts what is left. By cgroup where there is one: nothing can leave it. Without
 * one by the process tree, which is complete inside a pid namespace.
 */
import { readFileSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { allPids, descendantsOf, isAlive, signalTo, statOf, type ProcessId } from './processes.ts'

/** What an attempt's processes can be found by. */
export interface Tree {
  /** Its cgroup in every hierarchy; empty when the host gives us none. */
  cgroups: string[]
  /** The processes below which all others are: bubblewrap's monitor and the sandbox's init. */
  roots: ProcessId[]
  /** Without namespaces and without a cgroup: `NAME=value`, an environment entry that every process of it inherits. */
  marker?: string
}

/** All live pids of the attempt, bubblewrap's own included. */
export function pidsOf(tree: Tree): number[] {
  const found = new Set<number>(pidsInCgroups(tree.cgroups))
  for (const root of tree.roots) {
    if (!isAlive(root)) continue
    // Also beside a cgroup: at the very start the process is not in it yet.
    found.add(root.pid)
    if (tree.cgroups.length > 0) continue
    for (const child of descendantsOf(root.pid)) found.add(child.pid)
  }
  // Without namespaces the children of a dead process hang elsewhere, but carry the marker still.
  // A look at every process of the host costs 4 ms, so only where no cgroup holds them together.
  if (tree.marker && tree.cgroups.length === 0) for (const pid of pidsWithMarker(tree.marker)) found.add(pid)
  return [...found]
}

function pidsInCgroups(dirs: string[]): number[] {
  const found = new Set<number>()
  for (const dir of dirs) {
    for (const line of readLines(join(dir, 'cgroup.procs'))) {
      const pid = Number(line)
      // Zombies stay listed in v1 until their parent has waited for them.
      if (pid > 0 && !['Z', 'X', undefined].includes(statOf(pid)?.state)) found.add(pid)
    }
  }
  return [...found]
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

function pidsWithMarker(marker: string): number[] {
  return allPids().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(marker)
    } catch {
      return false
    }
  })
}

export function thaw(cgroups: string[]): void {
  for (const dir of cgroups) {
    writeIfThere(join(dir, 'freezer.state'), 'THAWED')
    writeIfThere(join(dir, 'cgroup.freeze'), '0')
  }
}

function writeIfThere(path: string, text: string): boolean {
  try {
    if (!existsSync(path)) return false
    writeFileSync(path, text)
    return true
  } catch {
    return false
  }
}

/** SIGKILL to all until none is left or `patienceMs` is over; answers how many remain. */
export async function killTree(tree: Tree, patienceMs = 5000, isOver: () => boolean = () => false): Promise<number> {
  const giveUpAt = performance.now() + patienceMs
  for (let round = 0; ; round++) {
    // Ended while we waited: its cgroup may be the next attempt's by now, which must not be hit.
    if (isOver()) return 0
    for (const dir of tree.cgroups) writeIfThere(join(dir, 'cgroup.kill'), '1')
    // Stopped first, the parent cannot make a child between our look and our kill.
    if (tree.cgroups.length === 0) for (const root of tree.roots) if (isAlive(root)) signalTo(root.pid, 'SIGSTOP')
    const pids = pidsOf(tree)
    for (const pid of pids.toReversed()) signalTo(pid, 'SIGKILL')
    // A frozen process dies only after it was thawed (v1).
    thaw(tree.cgroups)
    if (pids.length === 0) return 0
    if (performance.now() > giveUpAt) return pidsOf(tree).length
    await sleep(Math.min(1 + round, 20))
  }
}
