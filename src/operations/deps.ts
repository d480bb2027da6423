import type { Principal } from '../access/authenticate.ts'
import { missingScope, type Action } from '../access/permissions.ts'
import type { Keyring } from '../access/keyring.ts'
import type { Sealer } from '../access/secrets.ts'
import type { SignInThrottle } from '../access/sign-in.ts'
import type { Artifacts } from '../artifacts/artifacts.ts'
import type { Config } from '../config/config.ts'
import type { Db } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import type { LogStore } from '../logs/log-store.ts'
import type { Dispatcher } from '../queue/dispatcher.ts'
import type { SchedulesChanged } from '../pipelines/definition-store.ts'
import type { OnRunsEnded } from '../queue/run-settle.ts'
import type { Closing } from './closing.ts'
import type { LogKeeper } from './log-keeper.ts'
import type { LogPlaces } from './log-places.ts'
import type { LogWatch } from './log-watch.ts'

/** What every operation works with; made once by the composition root. */
export interface Deps {
  db: Db
  config: Config
  sealer: Sealer
  /** The same, for whoever changes its keys. */
  keyring: Keyring
  /** Signs access tokens. */
  jwtSecret: Uint8Array
  /** Keys the fingerprints of submitted bodies, which may contain secrets. */
  fingerprintKey: Buffer
  /** Those that are with this server; a reader asks `logPlaces`. */
  logs: LogStore
  logKeeper: LogKeeper
  logPlaces: LogPlaces
  logWatch: LogWatch
  artifacts: Artifacts
  dispatcher: Dispatcher
  throttle: SignInThrottle
  metrics: { contentType: string; text(): Promise<string> }
  /** What else happens in the transaction that ends runs. */
  runsEnded: OnRunsEnded
  /** Nothing new is taken once it has begun. */
  closing: Closing
  /** What else happens in the transaction that puts another definition of a pipeline in force. */
  schedulesChanged: SchedulesChanged
  /** To be called when somebody's access has changed: what is remembered of it is void. */
  forgetAccess(): void
}

/** Who asks for one operation, and from where. */
export interface Ask {
  principal: Principal | null
  /** The name somebody gave who is not signed in. */
  claimed?: string
  address?: string
  requestId?: string
  /** As the request has it, unchecked, and when it came (ms since 1970): for the traces of what it submits. */
  traceparent?: string
  receivedAt?: number
}

export interface KnownAsk extends Ask {
  principal: Principal
}

export function known(ask: Ask): KnownAsk {
  if (ask.principal === null) throw new AppError('unauthenticated', 'sign in first')
  return { ...ask, principal: ask.principal }
}

/** `words`: why not, unless it is a token that was made without the scope; then that is the reason. */
export function refusal({ principal }: KnownAsk, action: Action, words: string): AppError {
  const scope = missingScope(principal, action)
  return new AppError('permission_denied', scope === undefined ? words : `this API token lacks the scope ${scope}`)
}

export const notFound = (what: string): AppError =>
  new AppError('not_found', `there is no such ${what}, or you may not see it`)
