/**
 * The port of everything that runs a command elsewhere than in a sandbox of this host: a container, a host over SSH, a
 * cluster. What is the same for all of them is not theirs: recording, masking and the output limit, wall time, the
 * keeper's deadline, the stop ladder with its first reason, what stands on disk, and being found again by the next
 * runner. `supervisor.ts` does that, in a process that outlives its runner as the launcher does. A driver starts a
 * command, hears of its output and end, signals it, proves that nothing is left, and clears it away.
 */
import type { HostResult } from '../../job/host.ts'
import type { Usage } from '../../job/outcome.ts'
import type { AttemptOrder, ReportFound } from '../executor.ts'
import type { Policy } from '../sandbox/policy.ts'

export type DrivenKind = 'container' | 'ssh' | 'slurm' | 'kubernetes'
export const drivenKinds = ['container', 'ssh', 'slurm', 'kubernetes'] as const satisfies DrivenKind[]

/** What the runner tells the driver process about itself, on every connection. Nothing secret. */
export interface DriversConfig {
  /** State files, record files and files that attempts leave. */
  dir: string
  /** Marks everything of this runner elsewhere (labels, directories, names): 12 hex digits, the same after a restart. */
  tag: string
  policy: Policy
  egressAllow: string[]
  /** Absent: this runner has none. */
  container?: {
    socket: string
    images: string[]
    networks: string[]
    volumes: string[]
    ulimits: Record<string, number>
    warmMost: number
  }
  ssh?: { agent?: string }
  slurm?: {
    dir: string
    partitions: string[]
    /** Whom jobs run as when the runner is root. */
    user?: string
    /** SLURM_CONF of its programs, when it is not that of this process. */
    conf?: string
  }
  kubernetes?: {
    config: string
    namespaces: string[]
    /** References that are allowed besides those of the catalogue. */
    images: string[]
  }
}

export interface DriveTools {
  config: DriversConfig
  /**
   * All of a stream, from its first byte, in order; after `attach` again from the first byte: what is recorded already
   * is skipped. A promise when the disk is behind: read no further before it resolves.
   */
  output(stream: 'stdout' | 'stderr', bytes: Buffer): Promise<void> | undefined
  /**
   * What `attach` needs to find it again, durable when this returns; called before anything can run, and again when it
   * has changed. Never a secret. Throws when the disk does not take it: then nothing may be started.
   */
  save(handle: unknown): void
  /** Aborted when it is to be stopped before it runs; a start that hears of it undoes itself and rejects. */
  signal: AbortSignal
  /** Ms until the keeper ends it, now; a backstop elsewhere (a lease file, a watchdog) is set to no more than this. */
  keepForMs(): number
  /** Called when that was moved. */
  onExtended(listener: () => void): void
}

/** One attempt that runs elsewhere. */
export interface Driven {
  /** Unix time, ms. */
  startedAt: number
  unenforced: string[]
  /**
   * Settles once: the command has ended, what it left running is dead, and all its output was handed over. Rejects with
   * StartRefused for a command that could not be executed, with AttemptLost when its end cannot be known any more.
   */
  ended: Promise<DrivenEnd>
  /** To the whole tree. Resolves when it was delivered, or there was nobody; the end comes through `ended`. */
  signal(which: 'TERM' | 'KILL'): Promise<void>
  usage(): Promise<Usage>
  /** Removes all that is left of it elsewhere, running or not. Idempotent. */
  clear(): Promise<void>
}

export interface DrivenEnd {
  exitCode: number | null
  signal: string | null
  oomKilled: boolean
  /** The engine does not say so; it looks like it. */
  oomProbably?: boolean
  usage: Usage
  /** Processes that are still there; 0 was looked for, not assumed. */
  remaining: number
  unenforced?: string[]
  /** Frames of files that it left (`job/report-frames.ts`), in a file of this host. */
  report?: ReportFound
  /** Its own words for the end. */
  said?: { message: string; errorClass?: 'exit' | 'refused' }
  hosts?: HostResult[]
  /** Of network "egress": destinations that it was not let to. */
  notReached?: string[]
  /** When the command ended, if that is known better there; Unix time, ms. */
  endedAt?: number
}

export interface FoundAttempt {
  key: string
  handle: unknown
  startedAt: number
  /** With credentials, when a runner of ours still knows it; secrets in its environment are masked by it. */
  order: AttemptOrder | undefined
}

export interface Driver {
  readonly kind: DrivenKind
  /** Rejects with StartRefused when it is certain that it never ran, with AttemptLost when that cannot be found out. */
  start(order: AttemptOrder, tools: DriveTools): Promise<Driven>
  /** Of one that an earlier driver process started. Rejects with AttemptLost when it is not there any more. */
  attach(found: FoundAttempt, tools: DriveTools): Promise<Driven>
  /**
   * What bears our tag and is none of these keys is killed and removed; says how much there was. Rejects when the place
   * cannot be asked.
   */
  sweep(known: ReadonlySet<string>, config: DriversConfig): Promise<number>
  /** For people: JSON that is shown as it is at the runner (connections, breakers, warm containers). Quick. */
  state(): unknown
  /** What was made ready goes. */
  cool(): Promise<void>
  close(): Promise<void>
}

/** Of this process: made at the first use, since each brings a library with it. */
export type LoadDriver = (kind: DrivenKind, config: DriversConfig) => Promise<Driver>
