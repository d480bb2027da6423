/** What the ends of runs ask of those above: each in the caller's transaction. Refusals are AppErrors. */
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'
import type { Effect } from '../job/event-action.ts'
import type { Json } from '../lib/json.ts'
import type { Names } from '../expressions/names.ts'
import type { EndedEventRun } from './ended-run.ts'

/** One time of one action, with the run that it follows. */
export interface Firing {
  key: string
  run: EndedEventRun
  action: string
  iteration: number
  effect: Effect
  deliveryId: string
  tries: number
}

/** Public ids of what came of it, and the name of a variable. */
export type FiringResult = Partial<Record<'run' | 'pipeline_run' | 'job' | 'delivery' | 'variable', string>>
/** `refused`: an answer, in words for people; what was done before it is kept. */
export type Performed = { result: FiringResult } | { refused: string; result?: FiringResult }

export interface EventHooks {
  sealer: Sealer
  /** What a script without helpers left in files, before anything is decided by it. */
  applyFileResults(tx: Queryable, jobId: string): Promise<void>
  /** A place is free. The event's row is locked. */
  admitWaiting(tx: Queryable, eventKey: string): Promise<void>
  perform(tx: Queryable, firing: Firing, names: Names): Promise<Performed>
}

/** What of an effect speaks of names. */
export const templatesOf = (effect: Effect): Json => effect as Json
