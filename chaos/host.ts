/** This machine as it is, whatever Runyard says: processes by pid and start time, cgroups, mounts. */
import { readdirSync, readFileSync, readlinkSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface ProcessId {
  pid: number
  /** Clock ticks since boot: with the pid it names one process and no other. */
  startTime: string
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** Null when there is none, or only a zombie. */
export function processOf(pid: number): ProcessId | null {
  const text = read(`/proc/${pid}/stat`)
  if (text === '') return null
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? null : { pid, startTime: fields[19] ?? '' }
}

export const isAlive = (id: ProcessId): boolean => processOf(id.pid)?.startTime === id.startTime

/** False when it is gone already; another process that has its number by now is left alone. */
export function signal(id: ProcessId, name: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false
  try {
    process.kill(id.pid, name)
    return true
  } catch {
    return false
  }
}

export const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)

export const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()

export const environmentOf = (pid: number): string => read(`/proc/${pid}/environ`)

/** Processes that have the directory in their command, environment or current directory. */
export function processesUnder(dir: string): ProcessId[] {
  return pids().flatMap((pid) => {
    const told = read(`/proc/${pid}/cmdline`) + environmentOf(pid)
    let cwd = ''
    try {
      cwd = readlinkSync(`/proc/${pid}/cwd`)
    } catch {
      // gone, or a kernel thread
    }
    const id = told.includes(dir) || cwd.startsWith(dir) ? processOf(pid) : null
    return id === null ? [] : [id]
  })
}

/** How a disk of the rig is called among the mounts. */
export const diskName = 'runyard-chaos-disk'

export const mountsUnder = (dir: string): string[] =>
  read('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line.includes(dir))

/** Where cgroup file systems are mounted. */
const cgroupRoots = (): string[] =>
  read('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')

/**
 * The directories that Runyard made for the attempt of this process: in every hierarchy the part of its path from a
 * component `runyard…` on. Learnt from live jobs, so that the rig need not know how Runyard names them.
 */
export function runyardCgroupsOf(pid: number): string[] {
  const paths = read(`/proc/${pid}/cgroup`)
    .split('\n')
    .map((line) => line.split(':').slice(2).join(':'))
    .filter((path) => path.split('/').some((part) => part.startsWith('runyard')))
  return [...new Set(paths)]
}

/** Those of the paths that exist in some hierarchy, as directories with what is left in them. */
export function existingCgroups(paths: Iterable<string>): string[] {
  const roots = cgroupRoots()
  return [...paths].flatMap((path) =>
    roots
      .map((root) => join(root, path))
      .filter((dir) => {
        try {
          return statSync(dir).isDirectory()
        } catch {
          return false
        }
      }),
  )
}

/** For what a broken build leaves: the empty directories of dead attempts, and the one above them. */
export function removeCgroups(paths: Iterable<string>): void {
  for (const dir of existingCgroups(paths).flatMap((path) => [path, dirname(path)])) {
    try {
      rmdirSync(dir)
    } catch {
      // Gone, or somebody still in it.
    }
  }
}

/** Open files of a process; null when it cannot be told. */
export function openFilesOf({ pid }: ProcessId): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return null
  }
}

/**
 * Pid 1 of the namespace that a process lives in, as this machine counts; the process itself where it has none of its
 * own.
 */
export function initOf(pid: number): number {
  for (let at = pid; ;) {
    const status = read(`/proc/${at}/status`)
    const spaces = /^NSpid:\s*(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? []
    if (spaces.length < 2) return pid
    if (spaces.at(-1) === '1') return at
    const parent = Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1] ?? 0)
    if (parent < 2) return pid
    at = parent
  }
}

/** Everything below a directory that is not itself a directory, with its kind. */
export function filesUnder(dir: string): string[] {
  let entries
  try {
    entries = readdirSync(dir, { withFileTypes: true })
  } catch {
    return []
  }
  return entries.flatMap((entry) => {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) return filesUnder(path)
    return [`${entry.isFIFO() ? 'pipe' : entry.isSocket() ? 'socket' : 'file'} ${path}`]
  })
}
