/**
 * The launcher's interface: start this argv in these cgroups as this uid with these fds; report pid and exit. It is
 * free of Node and of bubblewrap, so that a native launcher can take its place (`settled.md`, Launcher). One launcher
 * process per runner; it outlives the runner and is the keeper of its attempts: at `keepUntil` it kills the cgroup.
 */
export interface LaunchOrder {
  /** The attempt key. */
  id: string
  argv: string[]
  /** The complete environment; nothing is inherited. */
  env: Record<string, string>
  cwd: string
  /** `cgroup.procs` (v2) or one per hierarchy (v1); the process writes itself into each before exec. */
  cgroupProcs: string[]
  /** Switch to this identity before exec (only as root). */
  uid?: number
  gid?: number
  /** Soft and hard RLIMITs; core is always 0. */
  openFiles: number
  fds: LaunchFd[]
  /** Kill the cgroups (or the pid's tree) after this many ms without an extension. */
  keepForMs: number
  /** Directory to write `launch.json` (pid, start time, boot id) and `exit.json` (code, signal, time) into. */
  recordDir: string
}

export type LaunchFd =
  | { fd: number; path: string; open: 'read' | 'append' | 'readwrite' }
  /** Base64 bytes handed over through an unlinked 0600 file in memory: never in argv, never on a disk. */
  | { fd: number; data: string }

export interface Launched {
  pid: number
  /** Field 22 of /proc/PID/stat, clock ticks since boot: with the pid it identifies the process. */
  startTime: string
}

export interface LaunchExit {
  id: string
  code: number | null
  signal: string | null
  /** The keeper's deadline ended it. */
  killedByKeeper: boolean
}

export interface Launcher {
  start(order: LaunchOrder): Promise<Launched>
  /** Resolves when the process has ended; also for one started by an earlier runner process. */
  exited(id: string): Promise<LaunchExit>
  /** Moves the keeper's deadline: called after every acknowledged heartbeat. */
  extend(ids: string[], keepForMs: number): Promise<void>
  /** The launcher may drop what it remembers of this attempt. */
  forget(id: string): Promise<void>
  close(): Promise<void>
}
