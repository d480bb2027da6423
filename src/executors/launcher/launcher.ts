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
  /** Switch to this identity before exec (only as root): no other groups, no capabilities. */
  uid?: number
  gid?: number
  /** The kernel kills the process when the launcher dies. The process's own children are its own affair. */
  dieWithLauncher: boolean
  /** Soft and hard RLIMIT_NOFILE; core is always 0. New privileges are never gained (no_new_privs). */
  openFiles: number
  fds: LaunchFd[]
  /** Kill the cgroups (or the pid's tree) after this many ms without an extension. */
  keepForMs: number
  /** Finds the processes when there is no cgroup: an environment entry `NAME=value` that all of them inherit. */
  marker?: string
  /** Directory to write `launch.json` (pid, start time, boot id) and `exit.json` (code, signal, time) into. */
  recordDir: string
}

export type LaunchFd =
  | { fd: number; path: string; open: 'read' | 'append' | 'readwrite' }
  /** A directory or file to be bound by its fd. `path` is canonical: when it is anything else by now, the start fails. */
  | { fd: number; path: string; open: 'exact' }
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
  /** Resolves when the process has ended; also for one started by an earlier runner process. Rejects for an unknown id. */
  exited(id: string): Promise<LaunchExit>
  /** Moves the keeper's deadline: called after every acknowledged heartbeat. 0 means: kill it now. */
  extend(ids: string[], keepForMs: number): Promise<void>
  /** The launcher may drop what it remembers of this attempt. */
  forget(id: string): Promise<void>
  /** The ids of everything that has not ended, whoever started it. */
  running(): Promise<string[]>
  /** The part of a cgroup v2 tree that was delegated to the launcher, when its own cgroup is not the place to use. */
  delegatedCgroup(): Promise<string | null>
  /** Lets go; a launcher without attempts and without clients ends by itself. */
  close(): Promise<void>
}
