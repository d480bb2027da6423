/** What a user does with jobs: may you? → the queue → one audit row, all in one transaction. */
import type { Last, Queryable } from '../db/pool.ts'
import { may } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import type { GroupCommit, Settled } from '../lib/group-commit.ts'
import { publicIdPattern } from '../lib/ids.ts'
import { createGroupCommit } from '../lib/group-commit.ts'
import type { JobSpec } from '../job/spec.ts'
import { cancel } from '../queue/cancel.ts'
import { deleteEnded } from '../queue/prune.ts'
import { fixedPlansByKey } from '../queue/statements.ts'
import { submit, type SubmitResult } from '../queue/submit.ts'
import type { CancelResult, NewJob } from '../queue/types.ts'
import { checkArtifactsFrom } from './artifact-inputs.ts'
import { audited, noteAllDone, noteRefused } from './audited.ts'
import { known, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { jobOf, ownerScope } from './find-jobs.ts'
import { checkPolicy, fingerprint, jobAgain, newJob } from './new-job.ts'
import { placedBy, withPlaces } from './submit-places.ts'

export type Submitted = SubmitResult

interface SubmitRequest {
  ask: KnownAsk
  action: 'job.submit' | 'job.rerun'
  jobs: NewJob[]
  idempotency?: { key: string; bodyHash: Buffer }
  fieldPrefix: (i: number) => string
}

export type SubmitTogether = GroupCommit<SubmitRequest, Submitted>

/** Single submits that arrive together share one transaction, hence one fsync; their errors stay apart. */
export function createSubmitTogether(deps: Deps): SubmitTogether {
  return createGroupCommit<SubmitRequest, Submitted>(
    async (requests) => {
      if (requests.length > 1) {
        try {
          return await deps.db.tx(async (tx, last) => {
            const done: Settled<Submitted>[] = []
            const groups = groupsOf(requests)
            for (const group of groups)
              done.push(...(await submitGroup(tx, group, group === groups.at(-1) ? last : undefined)))
            return done
          }, fixedPlansByKey)
        } catch {
          // One of them was refused: nothing is committed, and each is tried by itself to find out whose fault it is.
        }
      }
      const settled = await Promise.allSettled(
        requests.map((request) => deps.db.tx((tx, last) => submitGroup(tx, [request], last), fixedPlansByKey)),
      )
      return settled.map((s) => (s.status === 'fulfilled' ? s.value[0]! : { ok: false, error: s.reason }))
    },
    { maxItems: 200, concurrency: 2 },
  )
}

/** Neighbours of one owner without idempotency keys go into one statement; the order of requests is kept. */
function groupsOf(requests: SubmitRequest[]): SubmitRequest[][] {
  const groups: SubmitRequest[][] = []
  const joinable = (r: SubmitRequest): boolean => r.idempotency === undefined
  for (const request of requests) {
    const last = groups.at(-1)
    const fits = last?.every((r) => joinable(r) && r.ask.principal.userId === request.ask.principal.userId)
    if (fits && joinable(request)) last!.push(request)
    else groups.push([request])
  }
  return groups
}

async function submitGroup(
  tx: Queryable,
  group: SubmitRequest[],
  last: Last | undefined,
): Promise<Settled<Submitted>[]> {
  const [first] = group
  if (first === undefined) return []
  const input = {
    ownerId: first.ask.principal.userId!,
    jobs: group.flatMap((request) => request.jobs),
    idempotency: first.idempotency,
    fieldPrefix: first.fieldPrefix,
  }
  if (first.idempotency === undefined) {
    const idsOf = group.map(({ jobs }) => ({ publicIds: jobs.map((job) => job.publicId), replayed: false }))
    // The rows of the audit log go with the first question; if the jobs are refused, they go with them.
    const [{ made }] = await Promise.all([submit(tx, input, last), noteSubmits(tx, group, idsOf)])
    if (group.length === 1) return [{ ok: true, value: { ...idsOf[0]!, made } }]
    const byId = new Map(made.map((job) => [job.publicId, job]))
    return idsOf.map((ids) => ({ ok: true, value: { ...ids, made: ids.publicIds.map((id) => byId.get(id)!) } }))
  }
  // By itself. What the row says depends on whether the key was used before.
  const value = await submit(tx, input)
  await noteSubmits(tx, group, [value])
  return [{ ok: true, value }]
}

const noteSubmits = (tx: Queryable, group: SubmitRequest[], submitted: Omit<Submitted, 'made'>[]): Promise<void> =>
  noteAllDone(
    tx,
    group.map(({ ask, action }, i) => {
      const { publicIds, replayed } = submitted[i]!
      const detail = { count: publicIds.length, ids: publicIds.slice(0, 20), replayed }
      return { ask, act: { action, target: `job:${publicIds[0]}` }, detail }
    }),
  )

export interface SubmitInput {
  specs: JobSpec[]
  /** Whether the caller sent a list, for the paths of fields in errors. */
  many: boolean
  idempotencyKey?: string
}

export async function submitJobs(
  deps: Deps,
  together: SubmitTogether,
  anyAsk: Ask,
  input: SubmitInput,
): Promise<Submitted> {
  const ask = known(anyAsk)
  const fieldPrefix = input.many ? (i: number) => `jobs[${i}].` : () => ''
  const act = { action: 'job.submit' as const }
  try {
    maySubmit(ask)
    deps.closing.check()
    checkKey(input.idempotencyKey)
    checkPolicy(input.specs, deps, fieldPrefix)
    const specs = await withPlaces(deps.db, placedBy(ask, deps), input.specs, fieldPrefix)
    await checkArtifactsFrom(deps.db, ask, input.specs, fieldPrefix)
    const key = input.idempotencyKey
    const request: SubmitRequest = {
      ask,
      ...act,
      jobs: specs.map((spec) => newJob(spec, deps, ask)),
      idempotency: key === undefined ? undefined : { key, bodyHash: fingerprint(input.specs, deps) },
      fieldPrefix,
    }
    return await together.add(request)
  } catch (error) {
    await noteRefused(deps, ask, act, error)
    throw error
  }
}

function maySubmit(ask: KnownAsk): void {
  if (!may(ask.principal, 'job.submit') || ask.principal.userId === null) {
    throw refusal(ask, 'job.submit', `your role (${ask.principal.role}) may not submit jobs`)
  }
}

export function checkKey(key: string | undefined): void {
  if (key === undefined || /^[\x20-\x7e]{1,255}$/.test(key)) return
  const message = 'must have 1 to 255 printable ASCII characters'
  throw new AppError('invalid_argument', `Idempotency-Key: ${message}`, {
    fields: [{ field: 'Idempotency-Key', message }],
  })
}

/** A new job from the stored spec of another; its owner is who asks. */
export async function rerunJob(
  deps: Deps,
  together: SubmitTogether,
  anyAsk: Ask,
  input: { id: string; idempotencyKey?: string },
): Promise<Submitted> {
  const ask = known(anyAsk)
  const act = { action: 'job.rerun' as const, target: `job:${input.id}` }
  try {
    const row = await jobOf(deps.db, ask, input.id)
    maySubmit(ask)
    if (!may(ask.principal, 'job.rerun', { ownerId: row.ownerId })) {
      throw new AppError('permission_denied', 'only the owner or an administrator may run this job again')
    }
    deps.closing.check()
    checkKey(input.idempotencyKey)
    const key = input.idempotencyKey
    const job = jobAgain({ publicId: row.publicId, spec: row.spec, envSealed: row.envSealed }, deps)
    checkPolicy([job.spec], deps, () => '')
    const [spec = job.spec] = await withPlaces(deps.db, placedBy(ask, deps), [job.spec], () => '')
    await checkArtifactsFrom(deps.db, ask, [job.spec], () => '', row.ownerId)
    const idempotency = key === undefined ? undefined : { key, bodyHash: fingerprint({ rerun: input.id }, deps) }
    return await together.add({
      ask,
      action: 'job.rerun',
      jobs: [{ ...job, spec }],
      idempotency,
      fieldPrefix: () => '',
    })
  } catch (error) {
    await noteRefused(deps, ask, act, error)
    throw error
  }
}

export async function cancelJob(
  deps: Deps,
  anyAsk: Ask,
  input: { id: string; reason?: string; force?: boolean },
): Promise<CancelResult> {
  const ask = known(anyAsk)
  const target = publicIdPattern.test(input.id) ? `job:${input.id}` : undefined
  return audited(deps, ask, { action: 'job.cancel', target }, async (tx, note) => {
    await mustAct(tx, ask, input.id, 'job.cancel', 'cancel')
    const result = await cancel(tx, {
      publicId: input.id,
      ownerId: ownerScope(ask),
      reason: input.reason ?? `cancelled by ${ask.principal.username}`,
      force: input.force,
    })
    note({ requested: result.requested, ...(input.force && { force: true }) })
    return result
  })
}

export async function deleteJob(deps: Deps, anyAsk: Ask, id: string): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'job.delete', target: `job:${id}` }, async (tx) => {
    await mustAct(tx, ask, id, 'job.delete', 'delete')
    const attempts = await deleteEnded(tx, id)
    // Before the commit: after a crash in between the job is still there to be deleted again, and no bytes are left over.
    await deps.logPlaces.remove(tx, attempts)
  })
}

async function mustAct(
  db: Queryable,
  ask: KnownAsk,
  id: string,
  action: 'job.cancel' | 'job.delete',
  verb: string,
): Promise<void> {
  // Before the look: to whom it is refused for every job, it is refused for one that is not there.
  if (!may(ask.principal, action)) {
    throw refusal(ask, action, `your role (${ask.principal.role}) may not ${verb} jobs`)
  }
  const row = await jobOf(db, ask, id)
  if (!may(ask.principal, action, { ownerId: row.ownerId })) {
    throw new AppError('permission_denied', `only the owner or an administrator may ${verb} this job`)
  }
}
