/**
 * The port behind which an attempt runs. `executors/index.ts` maps a kind to its implementation; one conformance
 * suite (`executors/conformance.ts`) runs over all of them. An executor knows nothing of servers, leases or shipping:
 * it starts, records the output, holds limits and wall time, stops and proves; the runner does the rest.
 */
import type { ArtifactCaps } from '../job/artifacts.ts'
import type { Outcome, Usage } from '../job/outcome.ts'
import type { HttpOrder } from '../job/http-request.ts'
import type { HostResult } from '../job/host.ts'
import type { PlaceOrder } from '../job/place.ts'
import type { Limits, StoredSpec } from '../job/spec.ts'

/** What the runner hands over: everything about one attempt that an executor needs. */
export interface AttemptOrder {
  /** `<job key>-<attempt number>`, safe as a file name; unique on this runner for ever. */
  key: string
  spec: StoredSpec
  env: Record<string, string>
  /** Values are masked in the recorded output. */
  secretEnv: Record<string, string>
  /** Job limits over administrator defaults; `named` are those whose failure refuses the job. */
  limits: Required<Pick<Limits, 'cpu' | 'memory_bytes' | 'pids' | 'open_files' | 'disk_bytes'>> & Limits
  named: (keyof Limits)[]
  /** Wall time; held by the executor on the monotonic clock, also while no runner is there. */
  timeoutMs: number
  stopGraceMs: number
  /** 0-based slot; decides the job's uid, its cgroup and its pipes. */
  slot: number
  /** Of the artefacts that its spec names. */
  artifactCaps?: ArtifactCaps
  /** A directory of this host with what other jobs left; it appears at `/artifacts` (isolation "none": where it is). */
  artifactsDir?: string
  /** A directory of this host with the helper API of this attempt; it appears at `/runyard` (isolation "none": where it is). */
  helpersDir?: string
  /** The helpers of all languages, at `/runyard/lib`. */
  helpersLibrary?: string
  /** A Node program of this host, for a sandbox that has none: last in its PATH. */
  node?: string
  /** The keeper kills the attempt this many ms from now unless it is extended. */
  keepForMs: number
  /** The runner's own JSON about the attempt: on disk before the command starts, given back by `attempts`. Never a secret. */
  note: unknown
  /** Of the HTTP executor. */
  http?: HttpOrder
  /** Of the executors that run it elsewhere. */
  place?: PlaceOrder
}

/** Why an attempt was stopped; the first reason stays. `keeper`: nobody extended its time. */
export type StopReason = 'cancelled' | 'timeout' | 'shutdown' | 'lease_lost' | 'keeper'

/** How the process tree ended; `outcome-of.ts` makes an Outcome of it. */
export interface Ended {
  exitCode: number | null
  signal: string | null
  /** The first reason to stop it; absent when it ended by itself. */
  reason?: StopReason
  oomKills: number
  /** The kernel killed the command itself (or its whole cgroup) for memory. */
  oomKilled: boolean
  usage: Usage
  /** Processes left after the stop ladder; 0 unless something is in uninterruptible sleep. */
  remaining: number
  unenforced: string[]
  /** Of a job that leaves files: outputs, reports, artefacts. */
  report?: ReportFound
  /** Reading those was given up: it took too long. */
  filesLate?: boolean
  /** Of network "egress": destinations that it was not let to, as `host:port`, the first ones. */
  notReached?: string[]
  startedAt: Date
  endedAt: Date
  /** Of an executor without processes: its own words for the end, in place of those for an exit code. */
  said?: { message: string; errorClass?: 'exit' | 'refused' }
  /** Probably: the engine does not say. */
  oomProbably?: boolean
  /** Of a job on several hosts. */
  hosts?: HostResult[]
}

/** What the sandbox gave of the files that a job leaves (`sandbox/pickup.ts`), until `release`. */
export interface ReportFound {
  /** Of the file that holds them (`report-frames.ts`); null when nothing came. */
  path: string | null
  /** Why nothing was picked up, or not all. */
  trouble?: string
}

export type StartFailure = 'start' | 'refused' | 'infrastructure' | 'unreachable'

/** An attempt never started: `start` (the command's fault) or `refused` (this runner cannot hold what was asked). */
export class StartRefused extends Error {
  /** `unreachable`: the host or engine that it was for, and no fault of this runner. */
  readonly errorClass: StartFailure
  /** The shared input that this runner cannot give just now. */
  readonly share: string | undefined
  constructor(errorClass: StartFailure, message: string, share?: string) {
    super(message)
    this.share = share
    this.name = 'StartRefused'
    this.errorClass = errorClass
  }
}

/** The process was lost with its launcher (killed with it): how it ended, nobody knows. */
export class AttemptLost extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'AttemptLost'
  }
}

/** What the attempt printed: a record file (`logs/records.ts`), in memory while it is short. Append-only. */
export interface AttemptLog {
  /** Whole records so far, bytes. */
  length(): number
  /** Up to `into.length` bytes from `offset`; fewer only at the end. */
  read(offset: number, into: Uint8Array): Promise<number>
  /** All of it, when it is short and the attempt has ended; null: read it by offset. */
  whole(): Buffer | null
  /** Called (coalesced) after `length` has grown. */
  onGrown(listener: () => void): void
  /** Why recording ended early (disk full): the rest was drained and counted in a mark. */
  broken(): string | null
}

export interface RunningAttempt {
  key: string
  note: unknown
  log: AttemptLog
  unenforced: string[]
  /** When the attempt began here; one taken over keeps its own. */
  startedAt: Date
  /** Of one with helpers that was taken over: what is masked in its log, which no disk has. */
  secrets?: string[]
  /**
   * Settles once, when the main process ended, the rest of the tree is dead and all output is in `log`. Rejects with
   * StartRefused for a command that could not be exec'd, with AttemptLost when the launcher died with it.
   */
  ended: Promise<Ended>
  /** SIGTERM to all, grace, SIGKILL to all, until 0 remain. The first call decides the reason; `graceMs` 0 kills at once. */
  stop(reason: StopReason, graceMs: number): Promise<void>
  usage(): Promise<Usage>
  /** Removes what is left: state file, record file; the slot is free again. Idempotent. */
  release(): Promise<void>
}

/** What this host can do, from real probes; sent at registration and printed by `doctor`. */
export interface Facilities {
  isolation: { full: boolean; reason?: string }
  limits: Record<keyof Limits, { held: boolean; by?: string; reason?: string }>
  cgroup: 'v1' | 'v2' | 'hybrid' | 'none'
}

export interface Executor {
  kind: 'sandbox' | 'driven' | 'fake'
  probe(): Promise<Facilities>
  /**
   * Resolves when the process is started; the exit comes through `ended`. Rejects with StartRefused when it is certain
   * that it never ran, with AttemptLost when that cannot be found out. `signal` gives up a start that takes long (an
   * image that is pulled, a host that does not answer); only executors that run it elsewhere look at it.
   */
  start(order: AttemptOrder, signal?: AbortSignal): Promise<RunningAttempt>
  /** The keeper's deadline of these moves to `keepForMs` from now. */
  extend(keys: string[], keepForMs: number): Promise<void>
  /**
   * Everything of earlier runner processes: still running, ended and not released, lost with their launcher. Each can be
   * waited for, stopped and released like one that was started here. Asked once, before the first `start`.
   */
  attempts(): Promise<RunningAttempt[]>
  /** Kills and removes everything under this runner's marks that `attempts` does not list; says how much there was. */
  sweep(): Promise<number>
  /** No start will come for a while: what was made ready for one goes. */
  cool(): Promise<void>
  /** Lets go of what the executor keeps for itself (empty cgroups, pipes); running attempts stay. */
  close(): Promise<void>
}

export type { Outcome }
