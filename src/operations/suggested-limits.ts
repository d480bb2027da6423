/** Limits by what the last attempts used: of a job's name, an event, a task of a pipeline, or all of what one job is of. */
import { may, scopeOf } from '../access/permissions.ts'
import { findOwnerId } from '../access/users.ts'
import { usedLately, type UsedBy } from '../analytics/used.ts'
import { suggestLimits, type Suggestion } from '../job/suggested-limits.ts'
import { AppError } from '../lib/app-error.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { eventOf } from './find-events.ts'
import { jobOf, ownerScope } from './find-jobs.ts'
import { effectiveLimits } from './limits.ts'

export interface SuggestedLimitsInput {
  name?: string | undefined
  /** Of `name`, whose; the asker's own when missing. */
  owner?: string | undefined
  event?: string | undefined
  pipeline?: string | undefined
  task?: string | undefined
  job?: string | undefined
}

export async function suggestedLimits(deps: Deps, anyAsk: Ask, input: SuggestedLimitsInput) {
  const ask = known(anyAsk)
  const { by, of } = await subjectOf(deps, ask, input)
  const { attempts, limits: asked } = await usedLately(deps.db, by)
  const { config } = deps
  const { memory, cpu } = suggestLimits({
    attempts,
    asked: asked ?? {},
    effective: effectiveLimits({ limits: asked ?? {} }, config).limits,
    maxMemoryBytes: config.maxMemoryBytes,
    maxCpu: config.maxCpu,
  })
  return {
    of,
    attempts: attempts.length,
    since: attempts.at(-1)?.endedAt.toISOString() ?? null,
    memory: memory && { ...show(memory), oom_kills: memory.oomKills },
    cpu: cpu && show(cpu),
  }
}

const show = ({ p95, most, limit, suggested, hint, text }: Suggestion) => ({ p95, most, limit, suggested, hint, text })

interface Subject {
  by: UsedBy
  /** In words: `event nightly`. */
  of: string
}

async function subjectOf(deps: Deps, ask: KnownAsk, input: SuggestedLimitsInput): Promise<Subject> {
  const named = (['name', 'event', 'pipeline', 'job'] as const).filter((field) => input[field] !== undefined)
  if (named.length !== 1) throw wrong(named[1] ?? 'name', 'give one of name, event, pipeline with task, and job')
  if (input.task !== undefined && input.pipeline === undefined) throw wrong('task', 'is of a pipeline: give that too')
  if (input.owner !== undefined && input.name === undefined) throw wrong('owner', 'is for name only')
  if (input.job !== undefined) return ofJob(deps, ask, input.job)
  if (input.event !== undefined) return ofEvent(deps, ask, input.event)
  if (input.pipeline !== undefined) {
    if (input.task === undefined) throw wrong('task', 'which task of the pipeline?')
    return ofTask(deps, ask, input.pipeline, input.task)
  }
  const scope = ownerScope(ask)
  const ownerId = input.owner === undefined ? ask.principal.userId : await findOwnerId(deps.db, input.owner)
  // Another's name looks the same to an operator as a name that nobody has.
  if (ownerId === null || (scope !== undefined && scope !== ownerId)) throw notFound('user')
  return { by: { kind: 'name', name: input.name!, ownerId }, of: `jobs named ${input.name}` }
}

async function ofEvent({ db }: Deps, ask: KnownAsk, ref: string): Promise<Subject> {
  if (!may(ask.principal, 'event_run.read')) throw refusal(ask, 'event_run.read', 'you may not see runs of events')
  const { key, name } = await eventOf(db, ask, ref)
  const ownerId = scopeOf(ask.principal, 'event_run.read') === 'all' ? undefined : (ask.principal.userId ?? '0')
  return { by: { kind: 'event', eventKey: key, ownerId }, of: `event ${name}` }
}

async function ofTask({ db }: Deps, ask: KnownAsk, pipeline: string, task: string): Promise<Subject> {
  if (!may(ask.principal, 'pipeline.read')) throw refusal(ask, 'pipeline.read', 'you may not see pipelines')
  const ownerId = ownerScope(ask, 'pipeline_run.read')
  const { rowCount } = await db.query('select 1 from pipelines where name = $1', [pipeline])
  if (rowCount === 0) throw notFound('pipeline')
  return { by: { kind: 'task', pipeline, task, ownerId }, of: `task ${task} of pipeline ${pipeline}` }
}

/** What repeats is the event or the task that it is a run of; else what its owner calls so. */
async function ofJob({ db }: Deps, ask: KnownAsk, id: string): Promise<Subject> {
  const { publicId, ownerId, name } = await jobOf(db, ask, id)
  const { rows } = await db.query<{ event: string | null; eventName: string; pipeline: string | null; task: string }>(
    `select e.id as event, e.name as "eventName", p.name as pipeline, t.name as task from (select $1::text as job) given
       left join event_runs er on er.job_id = given.job left join events e on e.id = er.event_id
       left join run_tasks t on t.job_id = given.job left join pipeline_runs pr on pr.run_id = t.run_id
       left join pipelines p on p.id = pr.pipeline_id limit 1`,
    [publicId],
  )
  const { event, eventName, pipeline, task } = rows[0]!
  if (event !== null) return { by: { kind: 'event', eventKey: event, ownerId }, of: `event ${eventName}` }
  if (pipeline !== null)
    return { by: { kind: 'task', pipeline, task, ownerId }, of: `task ${task} of pipeline ${pipeline}` }
  return { by: { kind: 'name', name, ownerId }, of: `jobs named ${name}` }
}

const wrong = (field: string, message: string): AppError =>
  new AppError('invalid_argument', `${field}: ${message}`, { fields: [{ field, message }] })
