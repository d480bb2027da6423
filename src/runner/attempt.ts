/** What one attempt is made of while this process holds it; `run-attempt.ts` moves it from step to step. */
import type { Executor, RunningAttempt, StopReason } from '../executors/executor.ts'
import type { AttemptNote } from './attempt-note.ts'
import type { LogShipper, Shipment } from './log-shipper.ts'
import type { HelperPlan } from './helpers/plan.ts'
import type { HelperTools, ServedHelpers } from './helpers/serve-attempt.ts'
import type { ArtifactSender } from './send-artifacts.ts'
import type { Reporter } from './reporter.ts'
import type { Shares } from './shares.ts'
import type { StartFailures } from './start-failures.ts'

export interface ArtifactTools {
  /** A name for a directory, which is not made. */
  newDir(): string
  /** Before the start. */
  fetch(attempt: Attempt, dir: string, signal: AbortSignal): Promise<void>
  /** Before the finish. */
  send: ArtifactSender
}

/** What all attempts of a runner share. */
export interface AttemptTools {
  executor: Executor
  shipper: LogShipper
  reporter: Reporter
  startFailures: StartFailures
  artifacts: ArtifactTools
  helpers: HelperTools
  shares?: Pick<Shares, 'failed'> | undefined
}

export type AttemptEnd =
  | 'reported'
  | 'handed_back'
  /** The server had given it away: killed, nothing reported. */
  | 'stale'
  /** The server is away and this process must go: what is on disk is for the next one. */
  | 'left_on_disk'

export interface Attempt {
  readonly key: string
  readonly note: AttemptNote
  /** An earlier runner process started it, and may have shipped a part of its log. */
  readonly resumed: boolean
  /** `monotonicMs` until which it may live without a further heartbeat. */
  keepUntil: number
  /** The server has given it away: no message about it any more. */
  stale: boolean
  /** Nothing of it runs any more. */
  over: boolean
  running?: RunningAttempt
  shipment?: Shipment
  /** Of one with helpers that begins here. */
  readonly helperPlan?: HelperPlan
  helpers?: ServedHelpers
  /** Aborted when what comes before its start is to stop. */
  setUp?: AbortController
  /** Why it shall stop; asked for while it was starting, it is stopped as soon as it runs. */
  stopReason?: StopReason
  stopGraceMs?: number
}

type Given = Pick<Attempt, 'key' | 'note' | 'resumed' | 'keepUntil' | 'running' | 'helperPlan'>

export const newAttempt = (given: Given): Attempt => ({
  ...given,
  stale: false,
  over: false,
})
