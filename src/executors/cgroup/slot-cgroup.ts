/**
 * The cgroup of a slot, used by one attempt after the other: made once, its files kept open, what it used told by
 * difference. Making and removing one costs 0.4 ms of every job otherwise.
 */
import { closeSync, openSync, readSync, statSync, writeFileSync, writeSync } from 'node:fs'
import type { Usage } from '../../job/outcome.ts'
import {
  createAttemptCgroup,
  directoriesOf,
  oomKillsOf,
  placeOf,
  procsOf,
  setLimits,
  usageOf,
} from './attempt-cgroup.ts'
import type { CgroupLimit, CgroupLimits } from './attempt-cgroup.ts'
import type { CgroupSpace } from './base.ts'
import { removeCgroup } from './remove.ts'

export interface SlotCgroup {
  /** In every hierarchy; empty when the host gives us none. */
  dirs: string[]
  procs: string[]
  /** For the next attempt: its limits, and where its counters begin. Answers which limits could not be set. */
  begin(limits: CgroupLimits): Map<CgroupLimit, string>
  /** Times and bytes are counted from now on; for memory, what was there before the last attempt's end is still the host's. */
  restart(): void
  usage(): Usage
  /** Processes that the kernel killed for memory since `begin`. */
  oomKills(): number
  /** Listed as inside, zombies too. */
  pids(): number[]
  /** Whether the next attempt may use it: with the tree dead, nothing of it shows in the next one's figures. */
  reusable(mayHaveChildren: boolean): boolean
  remove(): Promise<void>
}

/**
 * What earlier attempts left charged here: page cache, and kernel memory that is freed a moment later. With more than
 * this the cache is dropped before the next one. Dropping blocks until the kernel has looked at every CPU, so seldom.
 */
const tolerableBytes = 64 * 1024 * 1024

function forgetCache({ version, dir }: { version: 1 | 2; dir: string }, bytes: number): void {
  try {
    if (version === 1) writeFileSync(`${dir}/memory.force_empty`, '0')
    else writeFileSync(`${dir}/memory.reclaim`, String(bytes))
  } catch {
    // EAGAIN: not all of it could be dropped. What stays is told apart by difference.
  }
}

const buffer = Buffer.allocUnsafe(64 * 1024)

export function createSlotCgroup(space: CgroupSpace, name: string): SlotCgroup {
  const cgroup = createAttemptCgroup(space, name)
  const dirs = directoriesOf(cgroup)
  const procs = procsOf(cgroup)
  const files = new Map<string, number | null>()
  const memory = placeOf(cgroup, 'memory')
  let limits: CgroupLimits = {}
  let first: Usage = {}
  let firstKills = 0
  let firstBytes = 0

  const fdOf = (path: string, flags: string): number | null => {
    let fd = files.get(path)
    if (fd === undefined) {
      try {
        fd = openSync(path, flags)
      } catch {
        fd = null
      }
      files.set(path, fd)
    }
    return fd
  }
  const read = (path: string, flags = 'r'): string => {
    const fd = fdOf(path, flags)
    if (fd === null) return ''
    try {
      return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0))
    } catch {
      return ''
    }
  }
  const write = (path: string, text: string): boolean => {
    const fd = fdOf(path, 'r+')
    if (fd === null) return false
    try {
      writeSync(fd, text, 0)
      return true
    } catch {
      return false
    }
  }
  const peakFile = memory && `${memory.dir}/${memory.version === 1 ? 'memory.max_usage_in_bytes' : 'memory.peak'}`
  const nowFile = memory && `${memory.dir}/${memory.version === 1 ? 'memory.usage_in_bytes' : 'memory.current'}`

  const used = (): Usage => usageOf(cgroup, read)
  const resetPeak = (): boolean => {
    if (!memory || !peakFile || !nowFile) return true
    firstBytes = Number(read(nowFile))
    if (firstBytes > tolerableBytes) {
      forgetCache(memory, firstBytes)
      firstBytes = Number(read(nowFile))
    }
    // On v2 a reset holds for readings through this very descriptor (Linux 6.12).
    return write(peakFile, '0')
  }

  /** Set back while idle, so that a slot whose counters cannot be is not used again. */
  const reset = (): boolean => {
    const clean = resetPeak()
    first = used()
    firstKills = oomKillsOf(cgroup, read)
    return clean
  }
  // Opened for both: the reading must come from where the reset went.
  if (peakFile && fdOf(peakFile, 'r+') === null) files.delete(peakFile)
  reset()

  return {
    dirs,
    procs,
    begin(wanted) {
      const failed = setLimits(cgroup, wanted, limits)
      limits = { ...wanted }
      // What could not be set is tried again.
      for (const limit of failed.keys()) delete limits[limit]
      return failed
    },
    restart() {
      if (peakFile) write(peakFile, '0')
      first = used()
      firstKills = oomKillsOf(cgroup, read)
    },
    usage() {
      const now = used()
      const since = (name: keyof Usage): void => {
        if (now[name] !== undefined) now[name] = Math.max(0, now[name] - (first[name] ?? 0))
      }
      since('cpu_ms')
      since('io_read_bytes')
      since('io_write_bytes')
      if (now.memory_peak_bytes !== undefined) now.memory_peak_bytes = Math.max(0, now.memory_peak_bytes - firstBytes)
      return now
    },
    oomKills: () => oomKillsOf(cgroup, read) - firstKills,
    pids() {
      const found = new Set<number>()
      for (const path of procs) {
        const text = read(path)
        if (text !== '') for (const pid of text.split('\n')) if (pid !== '') found.add(Number(pid))
      }
      return [...found]
    },
    reusable(mayHaveChildren) {
      if (mayHaveChildren && dirs.some((dir) => statSync(dir).nlink > 2)) return false
      return reset()
    },
    async remove() {
      for (const fd of files.values()) if (fd !== null) closeSync(fd)
      files.clear()
      await Promise.all(dirs.map(removeCgroup))
    },
  }
}
