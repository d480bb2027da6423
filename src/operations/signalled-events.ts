/** Begins the events that waited for the end of something else. A signal goes in the transaction of the run it begins. */
import { may } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import type { BeginEvent, BeginEventIn } from '../events/begin.ts'
import { jsonPayload } from '../events/payload.ts'
import { dueSignals, originOf, putOffSignal, takeSignal, type Signal } from '../events/signals.ts'
import { isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import { endedEventRun } from '../reactions/ended-run.ts'
import { accountAsIs } from './account-as-is.ts'
import type { Deps } from './deps.ts'
import { beginEventIn } from './event-start.ts'

export const takingSignals = 'events.take_signals'
const perLook = 100
/** After a beginning that failed by a defect or an outage. */
const retrySeconds = 10

/** One of all servers runs it, woken by changes of jobs and runs. */
export function signalService(deps: Deps): Service {
  const begin = beginEventIn(deps)
  return {
    name: takingSignals,
    every: 1000,
    async runOnce() {
      await takeSignals(deps, begin)
    },
  }
}

/** One pass. Answers how many were taken. */
export async function takeSignals({ db }: Pick<Deps, 'db'>, begin: BeginEventIn): Promise<number> {
  for (let taken = 0; ;) {
    const ids = await dueSignals(db, perLook)
    for (const id of ids) {
      try {
        taken += await db.tx((tx) => takeOne(tx, begin, id))
      } catch (error) {
        if (isAppError(error) && error.code === 'unavailable') throw error
        emitFact({ name: 'event.not_begun', level: 'error', signal: id, error: String(error) })
        await putOffSignal(db, id, retrySeconds)
      }
    }
    if (ids.length < perLook) return taken
  }
}

/** What is refused is said at the event by `begin`. */
async function takeOne(tx: Queryable, begin: BeginEventIn, id: string): Promise<number> {
  const signal = await takeSignal(tx, id)
  if (signal === null) return 0
  const ask = await askFor(tx, signal)
  if (ask !== null) await begin(tx, { eventKey: signal.eventKey, trigger: signal.kind, ...ask })
  return 1
}

type Asked = Pick<BeginEvent, 'cause' | 'input' | 'depth' | 'rootRun'>

/** Null: it is nobody's trigger, as the end of a test. */
const askFor = (tx: Queryable, signal: Signal): Promise<Asked | null> =>
  ({ event: afterEvent, job: afterJob, pipeline: afterPipeline })[signal.kind](tx, signal)

async function afterEvent(tx: Queryable, { eventKey, source }: Signal): Promise<Asked | null> {
  const { rows } = await tx.query<{ key: string; waiterId: string; shared: boolean }>({
    name: 'events_signal_run',
    text: `select er.id as key, w.owner_id as "waiterId", e.shared from event_runs er join events e on e.id = er.event_id, events w
      where er.public_id = $1 and w.id = $2`,
    values: [source, eventKey],
  })
  const run = rows[0] === undefined ? null : await endedEventRun(tx, rows[0].key)
  if (run === null || run.trigger === 'test') return null
  const { waiterId, shared } = rows[0]!
  // An event that is shared may be waited for; what its runs put out is still for those who may see them.
  const waiter = await accountAsIs(tx, waiterId, 'event_run.read', 'see runs of events')
  const seen = !('refused' in waiter) && may(waiter, 'event_run.read', run)
  // It was shared when the trigger was made.
  if (!shared && !seen && waiterId !== run.ownerId) return null
  return {
    cause: { run: source },
    ...(seen && run.output !== null && { input: run.output }),
    ...{ depth: run.depth + 1, rootRun: run.rootRun ?? run.publicId },
  }
}

async function afterJob(tx: Queryable, { source }: Signal): Promise<Asked | null> {
  const { rows } = await tx.query<{ name: string; state: string; exitCode: number | null; outputs: object | null }>({
    name: 'events_signal_job',
    text: `select name, state, (outcome->>'exit_code')::int as "exitCode", outputs from jobs where public_id = $1`,
    values: [source],
  })
  const job = rows[0]
  const depth = await depthAfter(tx, source)
  if (job === undefined || depth === null) return null
  const { name, state, exitCode, outputs } = job
  const input = jsonPayload({ job: source, name, state, exit_code: exitCode, outputs: outputs ?? {} })
  return { cause: { job: source }, input, ...depth }
}

async function afterPipeline(tx: Queryable, { source, state }: Signal): Promise<Asked | null> {
  const { rows } = await tx.query<{ pipeline: string }>({
    name: 'events_signal_pipeline_run',
    text: `select p.name as pipeline from runs r join pipeline_runs pr on pr.run_id = r.id
      join pipelines p on p.id = pr.pipeline_id where r.public_id = $1`,
    values: [source],
  })
  const depth = await depthAfter(tx, source)
  if (rows[0] === undefined || depth === null) return null
  const input = jsonPayload({ run: source, pipeline: rows[0].pipeline, state })
  return { cause: { pipeline_run: source }, input, ...depth }
}

async function depthAfter(tx: Queryable, source: string): Promise<Pick<BeginEvent, 'depth' | 'rootRun'> | null> {
  const origin = await originOf(tx, source)
  if (origin === null) return {}
  return origin.test ? null : { depth: origin.depth + 1, rootRun: origin.root }
}
