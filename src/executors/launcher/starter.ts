/**
 * The starter's interface: start this argv in these cgroups as this uid with these fds; report pid and exit. It is free
 * of Node and of bubblewrap, so that a native starter can take its place (`settled.md`, Launcher).
 */
import type { ProcessId } from '../processes.ts'

export interface Launch {
  /** The attempt key. */
  id: string
  argv: string[]
  /** The file to execute when it is not `argv[0]`, looked up in the PATH of `env`. */
  program?: string
  /** The complete environment; nothing is inherited. */
  env: Record<string, string>
  cwd: string
  /** `cgroup.procs` (v2) or one per hierarchy (v1); the process writes itself into each before exec. */
  cgroupProcs: string[]
  /** Switch to this identity before exec (only as root): no other groups, no capabilities. */
  uid?: number
  gid?: number
  /** Soft and hard RLIMIT_NOFILE; core is always 0. New privileges are never gained (no_new_privs). */
  openFiles: number
  /** 0, 1, 2 and so on without holes. */
  fds: LaunchFd[]
}

export type LaunchFd =
  | { fd: number; path: string; open: 'read' | 'append' | 'pipe' }
  /** A directory or file to be bound by its fd. `path` is canonical: when it is anything else by now, the start fails. */
  | { fd: number; path: string; open: 'exact' }
  /** Handed over through an unlinked file in memory: never in argv, never on a disk. */
  | { fd: number; data: Buffer }

/** Why a process was never its command: the system's error, and what failed (`exec`, `chdir`, `open PATH`, …). */
export interface LaunchFailure {
  errno: number
  what: string
}

/** For each launch `started` and then `exited` or `failed`; `failed` alone when there was no process at all. */
export interface StarterEvents {
  started(id: string, process: ProcessId): void
  failed(id: string, failure: LaunchFailure): void
  exited(id: string, code: number | null, signal: string | null): void
  /** The starter died; the kernel kills its children, the rest of their trees is up to the listener. */
  lost(): void
}

export interface Starter {
  /** Words on stderr that begin so may be those of a program between us and the command. */
  foreword: string[]
  /** The command lines of such programs begin so, words separated by NUL. */
  before: string[]
  /** A process of its own that does the forks; null when this process does. */
  pid: number | null
  start(launch: Launch): void
  /** These cgroups are about to be removed. */
  forget(cgroupProcs: string[]): void
  /** Ends it. Whatever still runs is killed. */
  close(): void
}
