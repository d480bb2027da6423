/** What another process needs to take an attempt over, on disk before the command starts (beside `launch.json`). */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { directoriesOf, type AttemptCgroup } from '../cgroup/attempt-cgroup.ts'
import type { Tree } from '../kill-tree.ts'
import type { Pipes } from '../pipes.ts'
import { bootId, startTimeOf, type ProcessId } from '../processes.ts'
import { readStatus } from './status.ts'

export interface AttemptState {
  key: string
  dir: string
  isolation: 'full' | 'none'
  cgroup: AttemptCgroup
  pipes: Pipes
  unenforced: string[]
  startedAt: string
  /** Isolation "none": every process of the attempt has this in its environment. */
  marker?: string
  /** Isolation "none": the private directory it runs in. */
  home?: string
}

const name = 'sandbox.json'
export const statusFileOf = (dir: string): string => join(dir, 'bwrap.json')

export async function saveState(state: AttemptState): Promise<void> {
  const path = join(state.dir, name)
  await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600 })
  await rename(`${path}.new`, path)
}

export async function loadState(dir: string): Promise<AttemptState | null> {
  return readJson<AttemptState>(join(dir, name))
}

export interface LaunchRecord {
  pid: number
  start_time: string
  boot_id: string
}

/** Null when it was never launched, or when the host was booted since. */
export async function loadLaunch(dir: string): Promise<ProcessId | null> {
  const launch = await readJson<LaunchRecord>(join(dir, 'launch.json'))
  return launch && launch.boot_id === bootId() ? { pid: launch.pid, startTime: launch.start_time } : null
}

export interface ExitRecord {
  code: number | null
  signal: string | null
  killedByKeeper: boolean
  at: string
}

export const loadExit = (dir: string): Promise<ExitRecord | null> => readJson<ExitRecord>(join(dir, 'exit.json'))

async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch {
    return null
  }
}

/** Everything that belongs to the attempt right now. */
export function treeOf(state: AttemptState, monitor: ProcessId | null): Tree {
  const roots = monitor ? [monitor] : []
  const { initPid } = readStatus(statusFileOf(state.dir))
  const startTime = initPid === null ? null : startTimeOf(initPid)
  // A pid that was used again since is younger than its monitor by far; the init is its child, or an orphan by now.
  if (
    initPid !== null &&
    startTime !== null &&
    monitor &&
    Number(startTime) - Number(monitor.startTime) < initWithinTicks
  ) {
    roots.push({ pid: initPid, startTime })
  }
  return { cgroups: directoriesOf(state.cgroup), roots, marker: state.marker }
}

/** bubblewrap makes its init within milliseconds; 30 s at 100 ticks leaves room for a host that stands still. */
const initWithinTicks = 3000
