/** What the end of an event's run leads to, in its owner's name and with the rights that the account has now. */
import type { Principal } from '../access/authenticate.ts'
import type { Action } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { jsonPayload } from '../events/payload.ts'
import { fillTemplates } from '../expressions/evaluate.ts'
import { ExpressionProblem, type Names } from '../expressions/names.ts'
import type { Effect } from '../job/event-action.ts'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import type { Json } from '../lib/json.ts'
import type { Service } from '../lib/service.ts'
import { submit } from '../queue/submit.ts'
import type { Variables } from '../pipelines/run.ts'
import type { EventHooks, Firing, Performed } from '../reactions/event-hooks.ts'
import { eventServices } from '../reactions/event-services.ts'
import { toolMessage } from '../reactions/tool-message.ts'
import { accountAsIs } from './account-as-is.ts'
import { applyFileResults } from './apply-file-results.ts'
import { noteDone } from './audited.ts'
import type { Deps, KnownAsk } from './deps.ts'
import { admitWaiting, beginEventIn } from './event-start.ts'
import { eventOf } from './find-events.ts'
import { startDetail, startPipelineIn } from './pipeline-start.ts'
import { changeVariableAs, deleteVariableAs } from './script-variables.ts'
import { webhookJob } from './webhook-job.ts'

/** One of all servers runs them. */
export const eventRunServices = (deps: Deps): Service[] => eventServices(deps.db, eventHooks(deps))

export const eventHooks = (deps: Deps): EventHooks => ({
  sealer: deps.sealer,
  async applyFileResults(tx, jobId) {
    const notes = await applyFileResults(tx, deps, jobId)
    if (notes.length > 0) emitFact({ name: 'event.file_results', level: 'warn', job: jobId, notes: notes.join('; ') })
  },
  async admitWaiting(tx, eventKey) {
    await admitWaiting(tx, deps, eventKey)
  },
  perform: (tx, firing, names) => perform(tx, deps, firing, names),
})

type Kind = keyof Effect
type Perform<K extends Kind> = (
  tx: Queryable,
  deps: Deps,
  firing: Firing,
  names: Names,
  effect: NonNullable<Effect[K]>,
) => Promise<Performed>

function perform(tx: Queryable, deps: Deps, firing: Firing, names: Names): Promise<Performed> {
  const [kind] = Object.keys(firing.effect) as [Kind]
  return (performers[kind] as Perform<Kind>)(tx, deps, firing, names, firing.effect[kind]!)
}

const performers: { [K in Kind]: Perform<K> } = {
  async message(tx, deps, { run, action, iteration, deliveryId }, names, body) {
    await ownerAsIs(tx, run.ownerId, 'job.submit', 'send messages')
    const { sealer, config } = deps
    const made = await toolMessage(
      tx,
      { sealer, publicUrl: config.publicUrl },
      {
        ...{ ownerId: run.ownerId, body, names, deliveryId, input: 'templates', page: `event-runs/${run.publicId}` },
        about: `action:${run.publicId}:${action}:${iteration}`,
        data: { event: run.event.name, run_id: run.publicId, action },
      },
    )
    const result = { delivery: made.deliveryId }
    if ('notSent' in made) return { refused: `not sent: ${made.notSent}`, result }
    if ('told' in made) return { result }
    await submit(tx, { ownerId: run.ownerId, jobs: [made.job] })
    return { result: { ...result, job: made.job.publicId } }
  },

  async event(tx, deps, { run, action }, names, effect) {
    const { event: ref, input } = (await filled(effect as Json, names)) as { event: string; input?: Json }
    const ask = await ownerAsIs(tx, run.ownerId, 'event.run', 'run events')
    const target = await eventOf(tx, ask, ref)
    // Whoever began a run of somebody else's event sees it.
    const by = target.ownerId === run.ownerId ? {} : { by: ask.principal.username }
    const begun = await beginEventIn(deps)(tx, {
      ...{ eventKey: target.key, trigger: 'action', cause: { run: run.publicId, action, ...by } },
      input: input === undefined ? (run.output ?? undefined) : jsonPayload(input),
      ...{ depth: run.depth + 1, rootRun: run.rootRun ?? run.publicId },
    })
    return 'refused' in begun ? begun : { result: { run: begun.run } }
  },

  async rerun(tx, deps, { run, action }) {
    const begun = await beginEventIn(deps)(tx, {
      ...{ eventKey: run.eventKey, trigger: 'action', cause: { run: run.publicId, action } },
      ...{ input: run.input ?? undefined, depth: run.depth + 1, rootRun: run.rootRun ?? run.publicId },
    })
    return 'refused' in begun ? begun : { result: { run: begun.run } }
  },

  async pipeline(tx, deps, { run, action }, names, effect) {
    const { name, variables } = (await filled(effect as Json, names)) as { name: string; variables: Variables }
    const ask = await ownerAsIs(tx, run.ownerId, 'pipeline.start', 'start pipelines')
    const started = await startPipelineIn(tx, deps, ask, { name, variables })
    const detail = { ...startDetail(started), event_run: run.publicId, event_action: action }
    await noteDone(tx, ask, { action: 'pipeline.start', target: `pipeline:${name}` }, detail)
    return { result: { pipeline_run: started.publicId } }
  },

  async webhook(tx, deps, firing, names) {
    const { run } = firing
    await ownerAsIs(tx, run.ownerId, 'job.submit', 'submit jobs')
    const job = await webhookJob(tx, deps, firing, names)
    await submit(tx, { ownerId: run.ownerId, jobs: [job], fieldPrefix: () => '' })
    return { result: { job: job.publicId } }
  },

  async set_variable(tx, deps, { run, action }, names, effect) {
    const { name, scope, operation, value } = (await filled(effect as Json, names)) as NonNullable<
      Effect['set_variable']
    >
    const ask = await ownerAsIs(tx, run.ownerId, 'variable.change', 'change variables')
    const owner = { ...ask.principal, userId: run.ownerId } as Parameters<typeof changeVariableAs>[2]
    if (operation === 'delete') await deleteVariableAs(tx, owner, { name, scope })
    else await changeVariableAs(tx, deps, owner, { name, scope, change: changeOf(operation, value) })
    const target = `variable:${scope === 'global' ? 'global' : owner.username}/${name}`
    await noteDone(
      tx,
      ask,
      { action: `variable.${operation === 'delete' ? 'delete' : 'put'}`, target },
      {
        ...{ event_run: run.publicId, event_action: action, operation },
      },
    )
    return { result: { variable: name } }
  },
}

function changeOf(
  operation: 'set' | 'increment' | 'append',
  value: Json | undefined,
): { set: unknown } | { increment: number } | { append: string } {
  if (operation === 'set') return { set: value ?? null }
  if (operation === 'append') return { append: typeof value === 'string' ? value : JSON.stringify(value ?? '') }
  const by = value === undefined ? 1 : typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof by === 'number' && Number.isFinite(by)) return { increment: by }
  const message = 'must be a number to increment by'
  throw new AppError('invalid_argument', `value: ${message}`, { fields: [{ field: 'value', message }] })
}

async function filled(effect: Json, names: Names): Promise<Json> {
  try {
    return await fillTemplates(effect, names)
  } catch (error) {
    throw error instanceof ExpressionProblem ? new AppError('invalid_argument', error.message) : error
  }
}

async function ownerAsIs(tx: Queryable, ownerId: string, action: Action, verb: string): Promise<KnownAsk> {
  const principal: Principal | { refused: string } = await accountAsIs(tx, ownerId, action, verb)
  if ('refused' in principal) throw new AppError('permission_denied', principal.refused)
  return { principal }
}
