/**
 * What a running attempt may ask by its helpers. The wire of the unix socket is `runtime-helpers/PROTOCOL.md` (HTTP); the
 * runner passes each request on as one of these, with the attempt's fence, and the server answers it.
 */

export const helperMethods = [
  /** {} → {id, name, kind, version, run_id, job_id, attempt, trigger, owner, started_at, input: {type, bytes} | null} */
  'event.get',
  /** {value: boolean} → {} */
  'condition.set',
  /** {type, base64} of a small output, or {type, artifact: name} of one that was sent as an artefact → {} */
  'output.set',
  /** {name} → {exists, value?: any JSON, secret?: true} */
  'variable.get',
  /** {} → {names: [{name, scope, secret}]} */
  'variable.list',
  /** {name, value: any JSON, scope?} → {version} */
  'variable.set',
  /** {name, scope?} → {existed} */
  'variable.delete',
  /** {name, by: number, scope?} → {value}; atomic */
  'variable.increment',
  /** {name, text, scope?} → {value}; atomic */
  'variable.append',
  /** {percent?: 0..100, text?} → {} */
  'progress.set',
  /** {channel, action?, template?, input} → {delivery_id} */
  'message.send',
] as const
export type HelperMethod = (typeof helperMethods)[number]

/** A call that must not take effect twice carries a key of its caller's; the same key gives the same answer. */
export interface HelperCall {
  method: HelperMethod
  params: unknown
  key?: string | undefined
}

/** `code` as in `lib/app-error.ts`. */
export type HelperAnswer = { ok: unknown } | { error: { code: string; message: string } }

/** Name under which a large output is kept among the artefacts of its attempt. */
export const outputArtifact = 'runyard-output'

/** Each attempt; more is 429 with Retry-After. */
export const helperRate = { perSecond: 200, burst: 400 } as const
