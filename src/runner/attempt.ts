/** What one attempt is made of while this process holds it; `run-attempt.ts` moves it from step to step. */
import type { Ended, Executor, RunningAttempt } from '../executors/executor.ts'
import type { Outcome } from '../job/outcome.ts'
import type { AttemptPlace, AttemptState } from './attempt-state.ts'
import type { LogShipper, Shipment } from './log-shipper.ts'
import type { Output } from './output.ts'
import type { PipeReader } from './pipe-reader.ts'
import type { Reporter } from './reporter.ts'
import type { Spool } from './spool.ts'
import type { StartFailures } from './start-failures.ts'
import type { StopControl } from './stop-control.ts'
import type { SyncGroup } from './sync-group.ts'

/** What all attempts of a runner share. */
export interface AttemptTools {
  executor: Executor
  attemptsDir: string
  shipper: LogShipper
  reporter: Reporter
  sync: SyncGroup
  startFailures: StartFailures
}

export type AttemptEnd =
  | 'reported'
  | 'handed_back'
  /** The server had given it away: killed, nothing reported. */
  | 'stale'
  /** The server is away and this process must go: what is on disk is for the next one. */
  | 'left_on_disk'

export interface Attempt {
  state: AttemptState
  place: AttemptPlace
  env: Record<string, string>
  secretEnv: Record<string, string>
  /** An earlier runner process started it; take it over. */
  adopt: boolean
  /** `monotonicMs` until which it may live without a further heartbeat. */
  keepUntil: number
  stops: StopControl
  /** The server has given it away: no message about it any more. */
  stale: boolean

  // Filled by the steps.
  spool?: Spool
  shipment?: Shipment
  output?: Output
  pipes: PipeReader[]
  running?: RunningAttempt
  /** Settles when the server has answered; `finish` must not overtake it. */
  startedReport?: Promise<void>
  ended?: Ended
  /** Why there is no `ended`. */
  failure?: Error
  /** The whole failure is this runner's, and the attempt shall not count. */
  handBackReason?: string
  outcome?: Outcome
}
