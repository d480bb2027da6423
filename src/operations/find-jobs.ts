/** Looking at jobs. What one may not see does not exist. */
import { scopeOf } from '../access/permissions.ts'
import { findOwnerId } from '../access/users.ts'
import type { Queryable } from '../db/pool.ts'
import { beganRunOf } from '../events/find-event-runs.ts'
import { isAppError } from '../lib/app-error.ts'
import { publicIdPattern } from '../lib/ids.ts'
import { messageQueue } from '../job/message.ts'
import { jobStates, type JobState } from '../job/state.ts'
import { batchWordOf, statesOfBatchWord, type BatchWord } from '../job/status-word.ts'
import {
  findJob,
  jobStats as countJobs,
  listAttempts as findAttempts,
  listJobs as findJobs,
  waitingReasons,
  type JobRow,
} from '../queue/find.ts'
import { findRun } from '../queue/runs.ts'
import { testCountsOfJobs } from '../queue/tests.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { openEnv } from './new-job.ts'
import { showAttempt, showJob, showMore, type ShownJob } from './show-job.ts'

const readWhat = { 'job.read': 'jobs', 'batch.read': 'batches', 'pipeline_run.read': 'runs of pipelines' } as const

/** The owner to whom a reader's view is narrowed; undefined is everybody's. */
export function ownerScope(ask: KnownAsk, action: keyof typeof readWhat = 'job.read'): string | undefined {
  const scope = scopeOf(ask.principal, action)
  if (scope === 'all') return undefined
  if (scope === 'none' || ask.principal.userId === null) {
    throw refusal(ask, action, `you may not see ${readWhat[action]}`)
  }
  return ask.principal.userId
}

/** One's own, and that of a run which one began of somebody's shared event: to look at, not to change. */
export async function jobOf(db: Queryable, ask: KnownAsk, id: string): Promise<JobRow> {
  const owner = ownerScope(ask)
  // Whatever is no id is the id of no job; a NUL in it would be the database's error.
  if (!publicIdPattern.test(id)) throw notFound('job')
  const began = async (): Promise<boolean> => owner !== undefined && beganRunOf(db, id, ask.principal.username)
  const row = (await findJob(db, id, owner)) ?? ((await began()) ? await findJob(db, id) : null)
  if (row === null) throw notFound('job')
  return row
}

/** As in lists; null: it is gone, or may not be seen. */
export async function glanceAtJob(deps: Deps, anyAsk: Ask, id: string): Promise<ShownJob | null> {
  const row = await jobOf(deps.db, known(anyAsk), id).catch((error: unknown) => {
    if (isAppError(error) && error.code === 'not_found') return null
    throw error
  })
  return row === null ? null : (await show(deps, [row]))[0]!
}

export async function getJob(deps: Deps, anyAsk: Ask, id: string): Promise<ShownJob> {
  const ask = known(anyAsk)
  const row = await jobOf(deps.db, ask, id)
  const [shown] = await show(deps, [row])
  const env = openEnv(row.envSealed, row.publicId, deps)
  const mayReadEnv = ask.principal.role === 'admin' || row.ownerId === ask.principal.userId
  return { ...shown!, ...showMore(row.spec, env, mayReadEnv) }
}

/** Those of the ids that may be seen, and only members of the run when its key is given, in no promised order. */
export async function showJobs(deps: Deps, anyAsk: Ask, ids: string[], runKey?: string): Promise<ShownJob[]> {
  const ownerId = ownerScope(known(anyAsk))
  const { rows } = await findJobs(deps.db, { ids, ownerId, runKey }, null, ids.length)
  return show(deps, rows)
}

export interface ListInput {
  state?: JobState[]
  status?: BatchWord[]
  queue?: string
  name?: string
  owner?: string
  since?: string
  until?: string
  rerun_of?: string
  batch_id?: string
  label?: string[]
  executor?: string
  host?: string
  messages?: boolean
  cursor?: string
  limit: number
}

export async function listJobs(deps: Deps, anyAsk: Ask, input: ListInput) {
  const ask = known(anyAsk)
  const scope = ownerScope(ask)
  const owner = input.owner === undefined ? undefined : await findOwnerId(deps.db, input.owner)
  // Another's name looks the same to an operator as a name that nobody has.
  if (owner === null || (scope !== undefined && owner !== undefined && owner !== scope)) {
    return { jobs: [], next_cursor: null }
  }
  const run = input.batch_id === undefined ? undefined : await findRun(deps.db, input.batch_id, scope)
  if (run === null) throw notFound('batch')
  const states = [...(input.state ?? []), ...(input.status ?? []).flatMap(statesOfBatchWord)]
  const filter = {
    ...(input.state || input.status ? { state: states } : {}),
    queue: input.queue,
    name: input.name,
    ownerId: scope ?? owner,
    since: input.since === undefined ? undefined : new Date(input.since),
    until: input.until === undefined ? undefined : new Date(input.until),
    rerunOf: input.rerun_of,
    runKey: run?.key,
    labels: input.label,
    executor: input.executor,
    host: input.host,
    notQueue: input.messages === false ? messageQueue : undefined,
  }
  const { rows, nextCursor } = await findJobs(deps.db, filter, input.cursor ?? null, input.limit)
  return { jobs: await show(deps, rows), next_cursor: nextCursor }
}

async function show(deps: Deps, rows: JobRow[]): Promise<ShownJob[]> {
  const waiting = rows.filter((row) => batchWordOf(row.state) === 'waiting').map((row) => row.publicId)
  const tested = rows.filter((row) => row.spec.junit && row.lastAttempt > 0).map((row) => row.jobKey)
  const [reasons, tests] = await Promise.all([
    waiting.length === 0 ? new Map() : waitingReasons(deps.db, waiting),
    testCountsOfJobs(deps.db, tested),
  ])
  const now = new Date()
  return rows.map((row) =>
    showJob(row, {
      policy: deps.config,
      waitingReason: reasons.get(row.publicId),
      tests: tests.get(row.jobKey),
      now,
    }),
  )
}

export async function listAttempts(deps: Deps, anyAsk: Ask, id: string) {
  const row = await jobOf(deps.db, known(anyAsk), id)
  const around = { policy: deps.config, now: new Date() }
  return (await findAttempts(deps.db, row.jobKey)).map((attempt) => showAttempt(attempt, row.spec, around))
}

export async function jobStats(deps: Deps, anyAsk: Ask, ownerName?: string) {
  const scope = ownerScope(known(anyAsk))
  const owner = ownerName === undefined ? undefined : await findOwnerId(deps.db, ownerName)
  const hidden = owner === null || (scope !== undefined && owner !== undefined && owner !== scope)
  const counts = hidden ? [] : await countJobs(deps.db, scope ?? owner)
  const byState = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>
  const all = noJobs()
  const byUser = new Map<string, ReturnType<typeof noJobs>>()
  for (const { owner: username, state, n } of counts) {
    byState[state] += n
    const own = byUser.get(username) ?? noJobs()
    byUser.set(username, own)
    for (const sums of [all, own]) {
      sums[batchWordOf(state)] += n
      sums.total += n
    }
  }
  const users = [...byUser].map(([username, sums]) => ({ username, ...sums }))
  const busy = ({ waiting, running }: (typeof users)[number]): number => waiting + running
  return { ...all, by_state: byState, users: users.toSorted((a, b) => busy(b) - busy(a) || b.total - a.total) }
}

const noJobs = () => ({ waiting: 0, running: 0, passed: 0, failed: 0, cancelled: 0, total: 0 })
