/** A single submit answers with its job, from what the insert gave back; only why it waits is looked up, with others. */
import type { Db } from '../db/pool.ts'
import type { JobSpec, StoredSpec } from '../job/spec.ts'
import { createGroupCommit, type GroupCommit } from '../lib/group-commit.ts'
import { waitingReasons, type JobRow, type WaitingReason } from '../queue/find.ts'
import type { MadeJob } from '../queue/submit.ts'
import { known, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { getJob } from './find-jobs.ts'
import { submitJobs, type SubmitTogether } from './jobs.ts'
import { storedSpec } from './new-job.ts'
import { showJob, showMore, type ShownJob } from './show-job.ts'

export type ReasonsTogether = GroupCommit<MadeJob, WaitingReason | undefined>

/** Jobs that were just queued in one lane wait for the same, so one of them is asked about. */
export function createReasonsTogether(db: Db): ReasonsTogether {
  return createGroupCommit<MadeJob, WaitingReason | undefined>(
    async (jobs) => {
      const asked = new Map(jobs.map((job) => [placeOf(job), job.publicId]))
      const reasons = await waitingReasons(db, [...asked.values()])
      return jobs.map((job) => ({ ok: true, value: whenMade(job, reasons.get(asked.get(placeOf(job))!)) }))
    },
    { maxItems: 200, concurrency: 2 },
  )
}

const placeOf = (job: MadeJob): string => (job.state === 'queued' ? job.laneId : job.publicId)

/** One that was taken meanwhile was next when it was made. */
const whenMade = (job: MadeJob, reason: WaitingReason | undefined): WaitingReason | undefined =>
  job.state === 'queued' && (reason === undefined || reason.code === 'starting')
    ? { code: 'ready', text: 'next free slot' }
    : reason

export async function submitJob(
  deps: Deps,
  groups: { submits: SubmitTogether; reasons: ReasonsTogether },
  ask: Ask,
  spec: JobSpec,
  idempotencyKey?: string,
): Promise<{ job: ShownJob; replayed: boolean }> {
  const input = { specs: [spec], many: false, idempotencyKey }
  const { publicIds, replayed, made } = await submitJobs(deps, groups.submits, ask, input)
  const [fresh] = made
  // One that is over already has an outcome; labels of hosts have become names.
  if (fresh === undefined || fresh.state === 'skipped' || spec.hosts !== undefined)
    return { job: await getJob(deps, ask, publicIds[0]!), replayed }
  const shown = showJob(rowOf(fresh, storedSpec(spec, deps), known(ask)), {
    policy: deps.config,
    waitingReason: await groups.reasons.add(fresh),
    now: new Date(),
  })
  const { env = {}, secret_env = {}, payload } = spec
  return { job: { ...shown, ...showMore({ payload }, { env, secret_env }, true) }, replayed }
}

const rowOf = (made: MadeJob, spec: StoredSpec, { principal }: KnownAsk): Omit<JobRow, 'jobKey'> => ({
  ...made,
  ...{ spec, name: spec.name, queue: spec.queue, priority: spec.priority, maxAttempts: spec.max_attempts },
  ...{ owner: principal.username, ownerId: principal.userId!, stateSince: made.createdAt, envSealed: null },
  ...{ blockersLeft: 0, attemptsSpent: 0, lastAttempt: 0, runner: null, cancelRequestedAt: null, cancelReason: null },
  ...{ startedAt: null, endedAt: null, outcome: null, outputs: null, truncatedBytes: null, rerunOf: null },
  memoryBytes: null,
  ...{ batchId: null, pipelineRunId: null, batchIndex: null },
})
