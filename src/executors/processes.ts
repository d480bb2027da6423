/** Processes of this host, identified by pid and start time: a pid alone may be another process a moment later. */
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessId {
  pid: number
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  startTime: string
}

interface Stat {
  parent: number
  state: string
  startTime: string
  /** User + system time, own and of children that were waited for, in clock ticks. */
  ticks: number
}

export function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command name is in parentheses and may contain anything, also `) `.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return {
      state: fields[0] ?? '',
      parent: Number(fields[1]),
      ticks: [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0),
      startTime: fields[19] ?? '',
    }
  } catch {
    return null
  }
}

export function startTimeOf(pid: number): string | null {
  return statOf(pid)?.startTime ?? null
}

/** A zombie counts as gone: it runs nothing and only waits for its parent. */
export function isAlive(process: ProcessId): boolean {
  const stat = statOf(process.pid)
  return stat !== null && stat.startTime === process.startTime && stat.state !== 'Z' && stat.state !== 'X'
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
}

export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** The processes below `pid`, without itself. Orphans in a pid namespace hang on its init, hence are found as well. */
export function descendantsOf(pid: number): ProcessId[] {
  const children = new Map<number, ProcessId[]>()
  for (const candidate of allPids()) {
    const stat = statOf(candidate)
    if (stat === null || stat.state === 'Z' || stat.state === 'X') continue
    const siblings = children.get(stat.parent)
    const found = { pid: candidate, startTime: stat.startTime }
    if (siblings) siblings.push(found)
    else children.set(stat.parent, [found])
  }
  const found: ProcessId[] = []
  const look = (parent: number): void => {
    for (const child of children.get(parent) ?? []) {
      found.push(child)
      look(child.pid)
    }
  }
  look(pid)
  return found
}

/** The children of a process, by the kernel's own list where it has one. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()
    return text === '' ? [] : text.split(' ').map(Number)
  } catch {
    return allPids().filter((candidate) => statOf(candidate)?.parent === pid)
  }
}

/** The beginning of a command line, arguments separated by NUL; empty for zombies and kernel threads. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** False when the process is gone (or not ours to signal). */
export function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

/** Resident memory in bytes; 0 when the process is gone. */
export function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}
