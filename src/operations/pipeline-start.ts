/** The way in for every run of a pipeline, whoever asks: REST, prunner's clients, the command line, schedules. */
import { may } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { pipelineInForce } from '../pipelines/definition-store.ts'
import { problemsOfFiles } from '../pipelines/load-files.ts'
import type { StartedRun, StartRun, Variables } from '../pipelines/run.ts'
import { startRun } from '../pipelines/start-run.ts'
import { audited, type Detail } from './audited.ts'
import { known, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { checkKey } from './jobs.ts'
import { fingerprint } from './new-job.ts'
import { pipelineHooks } from './pipeline-hooks.ts'
import { getPipelineRun } from './pipeline-runs.ts'
import { checkVariables } from './pipeline-variables.ts'
import type { ShownPipelineRun } from './show-pipeline-run.ts'

export interface StartPipelineInput {
  name: string
  variables: Variables
  queuePartition?: string | null
  /** The name that a host application gave. */
  label?: string | null
  trigger?: Extract<StartRun['trigger'], 'manual' | 'schedule'>
  idempotencyKey?: string
}

export interface StartedPipeline {
  run: ShownPipelineRun
  /** The key was used before; nothing was started. */
  replayed: boolean
}

export async function startPipeline(deps: Deps, anyAsk: Ask, input: StartPipelineInput): Promise<StartedPipeline> {
  const ask = known(anyAsk)
  const act = { action: 'pipeline.start', target: `pipeline:${input.name}` }
  const started = await audited(deps, ask, act, async (tx, note) => {
    const run = await startPipelineIn(tx, deps, ask, input)
    note(startDetail(run))
    return run
  })
  return { run: await getPipelineRun(deps, ask, started.publicId), replayed: started.replayed }
}

export const startDetail = ({ publicId, state, replaced, replayed }: StartedRun): Detail => ({
  ...{ run: publicId, state, replayed },
  ...(replaced !== null && { replaced }),
})

/** In a transaction that does more than this; its audit row is the caller's. */
export async function startPipelineIn(
  tx: Queryable,
  deps: Deps,
  ask: KnownAsk,
  input: StartPipelineInput,
): Promise<StartedRun> {
  const { name, variables, queuePartition = null, label = null, trigger = 'manual', idempotencyKey: key } = input
  const ownerId = mayStart(deps, ask)
  checkKey(key)
  const pipeline = await pipelineInForce(tx, name)
  if (pipeline === null) throw await noPipeline(tx, name)
  const start: StartRun = {
    ...{ pipeline, ownerId, queuePartition, label, trigger },
    variables: checkVariables(pipeline.definition, variables),
    ...(key !== undefined && {
      idempotency: { key, bodyHash: fingerprint({ start: name, variables, queuePartition }, deps) },
    }),
  }
  return startRun(tx, pipelineHooks(deps), start)
}

/** Somebody wrote it, and wonders why it is not there. */
async function noPipeline(tx: Queryable, name: string): Promise<AppError> {
  const own = `pipelines.${name}`
  const wrong = (await problemsOfFiles(tx)).find(
    ({ path, severity }) => severity === 'error' && (path === own || path.startsWith(`${own}.`)),
  )
  const shown = name.slice(0, 200)
  if (wrong === undefined) return new AppError('not_found', `there is no pipeline named ${shown}`)
  const { file, line, column, path, message } = wrong
  const at = `${file}:${line}:${column}: ${path}: ${message}`
  return new AppError('not_found', `there is no pipeline named ${shown}, as its definition is wrong: ${at}`)
}

/** The account whose runs they will be. */
export function mayStart(deps: Deps, ask: KnownAsk): string {
  const { userId, role } = ask.principal
  if (!may(ask.principal, 'pipeline.start') || userId === null) {
    throw refusal(ask, 'pipeline.start', `your role (${role}) may not start pipelines`)
  }
  deps.closing.check()
  return userId
}
