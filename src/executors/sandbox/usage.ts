/** What an attempt without a cgroup used: from looking at its processes once a second. */
import type { Usage } from '../../job/outcome.ts'
import { pidsOf, type Tree } from '../kill-tree.ts'
import { residentBytes, statOf } from '../processes.ts'

export interface UsageMeter {
  read(): Usage
  stop(): void
}

const everyMs = 1000
/** USER_HZ; the same on every Linux that Node runs on. */
const ticksPerSecond = 100

export function meterOf(tree: () => Tree): UsageMeter {
  const seen: Usage = {}
  const look = (): void => {
    let ticks = 0
    let bytes = 0
    for (const pid of pidsOf(tree())) {
      ticks += statOf(pid)?.ticks ?? 0
      bytes += residentBytes(pid)
    }
    // Never less than before: a process that ended unwaited takes its time with it.
    if (ticks > 0) seen.cpu_ms = Math.max(seen.cpu_ms ?? 0, Math.round((ticks * 1000) / ticksPerSecond))
    if (bytes > 0) seen.memory_peak_bytes = Math.max(seen.memory_peak_bytes ?? 0, bytes)
  }
  const timer = setInterval(look, everyMs)
  timer.unref()
  return {
    read() {
      look()
      return { ...seen }
    },
    stop: () => clearInterval(timer),
  }
}
