/**
 * The runner's only view of a server. `grpc-control-plane.ts` implements it over a unix socket or mTLS;
 * `fake-control-plane.ts` in tests. Every message about an attempt carries its fence (key, number, token); an answer
 * `stale` means: this attempt is no longer yours, kill it and report nothing more.
 */
import type { ArtifactCaps, ArtifactFile } from '../job/artifacts.ts'
import type { HelperAnswer, HelperCall } from '../job/helper-protocol.ts'
import type { HttpOrder } from '../job/http-request.ts'
import type { Outcome } from '../job/outcome.ts'
import type { Outputs } from '../job/outputs.ts'
import type { PlaceOrder } from '../job/place.ts'
import type { Limits, SealedEnv, StoredSpec } from '../job/spec.ts'
import type { TestReport } from '../job/test-report.ts'

export interface AttemptRef {
  /** Internal job number, a decimal string (int8 does not fit a JS number). */
  jobKey: string
  number: number
  /** The fence; a decimal string that rises with every attempt of the job. */
  token: string
}

/** Names the attempt on this runner: for the executor, in the heartbeat, in its log. */
export const attemptKey = (ref: AttemptRef): string => `${ref.jobKey}-${ref.number}`

export const sameAttempt = (a: AttemptRef, b: AttemptRef): boolean =>
  a.jobKey === b.jobKey && a.number === b.number && a.token === b.token

export interface Assignment extends AttemptRef {
  jobId: string
  spec: StoredSpec
  env: Record<string, string>
  secretEnv: Record<string, string>
  /** Administrator defaults already applied; `named` were asked for by the job or are the administrator's minimum. */
  limits: Limits
  named: (keyof Limits)[]
  timeoutSeconds: number
  artifactCaps: ArtifactCaps
  /** Of an event of a script kind. */
  script?: NonNullable<SealedEnv['script']>
  /** Of an HTTP job. */
  http?: HttpOrder
  /** Of a job that runs elsewhere: image or hosts, with their credentials. */
  place?: PlaceOrder
}

/** The input of an event's run. */
export interface InputStream {
  type: string
  size: number
  body: AsyncIterable<Uint8Array>
}

export interface RunnerDescription {
  name: string
  /** Changes with every runner process. */
  session: string
  version: string
  hostname: string
  /** Of this data directory on this machine since it booted (`place.ts`). */
  place?: string
  labels: Record<string, string>
  slots: number
  cpuMillis: number
  memoryMib: number
  executors: string[]
  facilities: unknown
}

export interface Registered {
  runnerId: string
  heartbeatMs: number
  leaseMs: number
  graceMs: number
  /** Attempts that this runner's name still holds in the database: the new process adopts or reports them. */
  held: AttemptRef[]
}

export interface ClaimInput {
  slots: number
  /** Messages that it would take beside the jobs in its slots. */
  messages: number
  cpuMillis: number
  memoryMib: number
  /** Everything the runner already has; a lease that is not in here is delivered again. */
  held: AttemptRef[]
  /** The server holds the call at most this long when there is no work. */
  waitMs: number
}

export interface HeartbeatAnswer {
  /** Attempts whose lease was extended. */
  renewed: AttemptRef[]
  cancel: AttemptRef[]
  /** Those of `cancel` that get no grace. */
  kill: AttemptRef[]
  /** Given away or ended: kill without reporting. */
  stale: AttemptRef[]
}

export interface Cancel {
  ref: AttemptRef
  /** Without grace. */
  now: boolean
}

export interface AppendResult {
  ref: AttemptRef
  /** Bytes of the record file the server has; the next chunk starts here. A lower value than sent means: rewind. */
  accepted: number
  /** Bytes that survive a power cut. */
  durable: number
  stale: boolean
}

export interface LogChunk {
  ref: AttemptRef
  /** Offset in the record file (`logs/records.ts`), not in a stream. */
  offset: number
  bytes: Uint8Array
}

export interface FinishReport {
  ref: AttemptRef
  outcome: Outcome
  /** Length of the complete record file; the server answers only when it has sealed exactly this much. */
  logLength: number
  /** The whole record file of a short log of which nothing was appended: stored and sealed with the outcome. */
  log?: Uint8Array
  /** Of a job that named report files. */
  tests?: TestReport
  /** Small results. */
  outputs?: Outputs
}

export interface OfferedArtifacts {
  stale: boolean
  /** Places in the list that was offered. */
  wanted: number[]
  refused: { place: number; reason: string }[]
}

export interface ListedArtifact extends ArtifactFile {
  id: string
  directory: string
}

export type ReportResult = 'accepted' | 'stale' | 'log_incomplete'

export interface ControlPlane {
  register(runner: RunnerDescription): Promise<Registered>
  /** What has changed of the description since; nothing of it when a newer process has the name. */
  describe(change: Pick<RunnerDescription, 'labels' | 'facilities'>): Promise<void>
  claim(input: ClaimInput, signal: AbortSignal): Promise<Assignment[]>
  heartbeat(held: AttemptRef[]): Promise<HeartbeatAnswer>
  /** Cancels as they happen; a hint only, the heartbeat's answer is the truth. Ends when the link does. */
  cancels(signal: AbortSignal): AsyncIterable<Cancel>
  started(refs: { ref: AttemptRef; startedAt: Date; unenforced: string[] }[]): Promise<ReportResult[]>
  appendLog(chunks: LogChunk[]): Promise<AppendResult[]>
  finish(reports: FinishReport[]): Promise<ReportResult[]>
  /** Which of these are still to be sent. */
  offerArtifacts(ref: AttemptRef, files: readonly ArtifactFile[]): Promise<OfferedArtifacts>
  /** Durable when it is accepted. */
  putArtifact(
    ref: AttemptRef,
    file: ArtifactFile,
    bytes: () => AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<'accepted' | 'stale'>
  /** Of other jobs, which this one reads; null: stale. */
  listArtifacts(ref: AttemptRef): Promise<ListedArtifact[] | null>
  getArtifact(ref: AttemptRef, id: string, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** What its script asks by its helpers; rejects when no answer came. */
  callHelper(ref: AttemptRef, call: HelperCall): Promise<HelperAnswer>
  /** Null: its run has none. */
  getInput(ref: AttemptRef, signal: AbortSignal): Promise<InputStream | null>
  /** Give leases back without spending an attempt (drain, or a start that failed through the runner's own fault). */
  handBack(refs: AttemptRef[], reason: string): Promise<ReportResult[]>
  /** No further claims; the server shows the runner as draining or offline. */
  goodbye(state: 'draining' | 'offline'): Promise<void>
}
