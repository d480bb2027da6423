/**
 * The port behind which an attempt runs. `executors/index.ts` maps a kind to its implementation; one conformance
 * suite (`executors/conformance.ts`) runs over all of them. An executor knows nothing of servers, leases or logs: it
 * starts, stops and proves; the runner does the rest.
 */
import type { Outcome, Usage } from '../job/outcome.ts'
import type { Limits, StoredSpec } from '../job/spec.ts'

/** What the runner hands over: everything about one attempt that an executor needs. */
export interface AttemptOrder {
  /** `<job key>-<attempt number>`, safe as a file name; unique on this runner for ever. */
  key: string
  spec: StoredSpec
  env: Record<string, string>
  secretEnv: Record<string, string>
  /** Job limits over administrator defaults; `named` are those whose failure refuses the job. */
  limits: Required<Pick<Limits, 'cpu' | 'memory_bytes' | 'pids' | 'open_files' | 'disk_bytes'>> & Limits
  named: (keyof Limits)[]
  timeoutMs: number
  stopGraceMs: number
  /** The attempt's directory on this runner; survives the runner (re-adoption reads it). */
  dir: string
  /** 0-based slot; decides the job's uid. */
  slot: number
  /** Monotonic keeper deadline in ms from now; the launcher kills the attempt then unless it is extended. */
  keepForMs: number
  /**
   * Awaited by `start` when both pipes exist: the runner opens its reading sides here. The executor holds the pipes
   * open until this returns (a pipe that nobody has open forgets what a short command wrote into it), and calls it only
   * for a command that did start: what bubblewrap says about one that did not is no output of the job.
   */
  onPipes?(pipes: { stdout: string; stderr: string }): Promise<void>
}

export type StopReason = 'cancelled' | 'timeout' | 'shutdown' | 'lease_lost'

/** How the process tree ended; `runner/run-attempt.ts` makes an Outcome of it together with the stop reason. */
export interface Ended {
  exitCode: number | null
  signal: string | null
  oomKills: number
  /** The kernel killed the command itself (or its whole cgroup) for memory. */
  oomKilled: boolean
  usage: Usage
  /** Processes left after the stop ladder; 0 unless something is in uninterruptible sleep. */
  remaining: number
  unenforced: string[]
  /** The launcher ended it because nobody extended its time: the runner had lost its server, or had died. */
  killedByKeeper: boolean
  startedAt: Date
  endedAt: Date
}

/** An attempt never started: `start` (the command's fault) or `refused` (this runner cannot hold what was asked). */
export class StartRefused extends Error {
  readonly errorClass: 'start' | 'refused' | 'infrastructure'
  constructor(errorClass: 'start' | 'refused' | 'infrastructure', message: string) {
    super(message)
    this.name = 'StartRefused'
    this.errorClass = errorClass
  }
}

export interface RunningAttempt {
  /** Named pipes the runner drains; the job has the writing side, opened read-write, so it outlives a dead reader. */
  stdout: string
  stderr: string
  unenforced: string[]
  /** When the attempt began here; an adopted one keeps its own. */
  startedAt: Date
  /** Settles once, when the main process ended and the rest of the tree is dead. A command that could not be exec'd rejects with StartRefused. */
  ended: Promise<Ended>
  /** SIGTERM to all, grace, SIGKILL to all, until 0 remain. The first call decides the reason; `graceMs` 0 kills at once. */
  stop(graceMs: number): Promise<void>
  usage(): Promise<Usage>
  /** Removes cgroups, pipes and directories; after this nothing of the attempt is left. Idempotent. */
  release(): Promise<void>
}

/** What this host can do, from real probes; sent at registration and printed by `doctor`. */
export interface Facilities {
  isolation: { full: boolean; reason?: string }
  limits: Record<keyof Limits, { held: boolean; by?: string; reason?: string }>
  cgroup: 'v1' | 'v2' | 'hybrid' | 'none'
}

export interface Executor {
  kind: 'sandbox' | 'fake'
  probe(): Promise<Facilities>
  /** Resolves when the process is started (or rejects with StartRefused); the exit comes through `ended`. */
  start(order: AttemptOrder): Promise<RunningAttempt>
  /** Takes over an attempt that an earlier runner process started, from what is on disk; null when nothing runs there. */
  adopt(dir: string): Promise<RunningAttempt | null>
  /** Kills and removes everything of this runner's earlier attempts whose key is not in `keep`; says how many there were. */
  sweep(keep: Set<string>): Promise<number>
  /** Lets go of what the executor keeps for itself (empty cgroups, unused pipes); running attempts stay. */
  close(): Promise<void>
}

export type { Outcome }
