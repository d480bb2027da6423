/** How a run of an event is asked for, by whatever begins one. `operations/event-start.ts` does it. */
import type { EventDefinition, EventTrigger } from '../job/event.ts'
import type { Queryable } from '../db/pool.ts'
import type { Payload } from './payload.ts'

/** Who or what began it; shown, and kept with the run. */
export interface Cause {
  /** Username. */
  by?: string
  /** Public id of the run of an event that led to it, and the name of its action. */
  run?: string
  action?: string
  /** Public id of the job or pipeline run whose end it is. */
  job?: string
  pipeline_run?: string
  schedule?: string
  tick?: string
  webhook?: string
  delivery?: string
  /** Of a webhook's request, those that say what kind it is. */
  headers?: Record<string, string>
}

export interface BeginEvent {
  /** `events.id`. */
  eventKey: string
  trigger: EventTrigger
  cause: Cause
  /** Undefined: the event's own. */
  input?: Payload | undefined
  /** Of what led to it, plus one; `eventLimits.depth` refuses. */
  depth?: number
  rootRun?: string | undefined
  /** Of a test: what is not saved. */
  definition?: EventDefinition
}

/** `refused`: an answer, in words for people (paused, too deep, full, owner disabled, limit reached); nothing was written. */
export type Begun = { run: string; key: string } | { refused: string }

/** In the caller's transaction: the run and its job stand or fall with what asked for them. */
export type BeginEventIn = (tx: Queryable, begin: BeginEvent) => Promise<Begun>
