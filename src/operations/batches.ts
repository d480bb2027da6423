/** Making batches: of a document, or of the jobs of an earlier one. All jobs or none, and one audit row. */
import { may } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { newPublicId } from '../lib/ids.ts'
import { inSlices } from '../lib/slices.ts'
import { madeWith, type Idempotency } from '../queue/idempotency.ts'
import { membersOf, submitRun, type NewRun, type RunRow } from '../queue/runs.ts'
import { fixedPlansByKey } from '../queue/statements.ts'
import type { NewJob } from '../queue/types.ts'
import { checkArtifactsFrom } from './artifact-inputs.ts'
import { audited, noteRefused, type Act } from './audited.ts'
import { planBatch, type BatchRequest } from './batch-plan.ts'
import { known, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { batchOf, getBatch } from './find-batches.ts'
import { checkKey } from './jobs.ts'
import { checkPolicy, fingerprint, jobAgain, newJob } from './new-job.ts'
import { placedBy, withPlaces } from './submit-places.ts'
import type { ShownBatch } from './show-batch.ts'

export interface MadeBatch {
  batch: ShownBatch
  /** The key was used before; nothing was made. */
  replayed: boolean
}

const fieldPrefix = (i: number): string => `jobs[${i}].`

interface Planned {
  run: Omit<NewRun, 'publicId'>
  jobs: NewJob[]
}

export async function createBatch(
  deps: Deps,
  anyAsk: Ask,
  input: BatchRequest,
  idempotencyKey?: string,
): Promise<MadeBatch> {
  const ask = known(anyAsk)
  return make(deps, ask, { act: { action: 'batch.submit' }, idempotencyKey, body: { batch: input } }, async () => {
    const { specs: planned, name, description, notify, template } = await planBatch(deps, ask, input)
    const specs = await withPlaces(deps.db, placedBy(ask, deps), planned, fieldPrefix)
    await checkArtifactsFrom(deps.db, ask, specs, fieldPrefix)
    const jobs = await each(specs, (spec) => newJob(spec, deps, ask))
    return { run: { name, description, notify, template, rerunOf: null }, jobs }
  })
}

/** A new batch of the asker's, of all jobs or of those that ended otherwise than well. */
export async function rerunBatch(
  deps: Deps,
  anyAsk: Ask,
  input: { id: string; only: 'all' | 'failed'; idempotencyKey?: string },
): Promise<MadeBatch> {
  const ask = known(anyAsk)
  const { id, only, idempotencyKey } = input
  const act = { action: 'batch.rerun', target: `batch:${id}` }
  return make(deps, ask, { act, idempotencyKey, body: { rerun: id, only } }, async () => {
    const row = await batchOf(deps.db, ask, id)
    if (!may(ask.principal, 'batch.rerun', { ownerId: row.ownerId })) {
      throw new AppError('permission_denied', 'only the owner or an administrator may run this batch again')
    }
    const members = await membersOf(deps.db, row.key, only)
    checkAllThere(row, only, members.length)
    const earlier = members.map((member) => member.spec)
    checkPolicy(earlier, deps, fieldPrefix)
    const specs = await withPlaces(deps.db, placedBy(ask, deps), earlier, fieldPrefix)
    await checkArtifactsFrom(deps.db, ask, specs, fieldPrefix, row.ownerId)
    const jobs = await each(members, (member) => jobAgain(member, deps))
    const { name, description, notify, template } = row
    return { run: { name, description, notify, template, rerunOf: row.publicId }, jobs }
  })
}

/** Half of a batch is not run in silence for the whole of it. */
function checkAllThere({ publicId, counts }: RunRow, only: 'all' | 'failed', found: number): void {
  const wanted = only === 'all' ? counts.total : counts.failed + counts.cancelled
  if (wanted === 0) throw new AppError('conflict', `no job of batch ${publicId} has failed or was cancelled`)
  // More may have ended since it was read.
  if (found >= wanted) return
  const gone = `${wanted - found} of the ${wanted} jobs to be run again have been removed`
  throw new AppError('conflict', `${gone}; submit batch ${publicId} anew from its document`)
}

async function make(
  deps: Deps,
  ask: KnownAsk,
  request: { act: Act; idempotencyKey?: string; body: unknown },
  plan: () => Promise<Planned>,
): Promise<MadeBatch> {
  const { act, idempotencyKey: key } = request
  try {
    const { userId: ownerId, role } = ask.principal
    if (!may(ask.principal, 'batch.submit') || ownerId === null) {
      throw refusal(ask, 'batch.submit', `your role (${role}) may not submit batches`)
    }
    deps.closing.check()
    checkKey(key)
    const idempotency: Idempotency | undefined =
      key === undefined ? undefined : { key, bodyHash: fingerprint(request.body, deps) }
    const earlier = idempotency && (await madeWith(deps.db, ownerId, idempotency))
    const planned = earlier ? undefined : await plan()
    const made = await audited(deps, ask, act, async (tx, note) => {
      let done = { publicId: earlier?.run ?? newPublicId(), replayed: true }
      if (planned) {
        await tx.query(fixedPlansByKey)
        const run = { ...planned.run, publicId: done.publicId }
        done = await submitRun(tx, { ownerId, run, jobs: planned.jobs, idempotency })
      }
      const { publicId, replayed } = done
      const count = { jobs: planned?.jobs.length ?? 0 }
      if (act.target === undefined) note({ ...count, replayed }, `batch:${publicId}`)
      else note({ ...count, replayed, new_batch: publicId })
      return done
    })
    return { batch: await getBatch(deps, ask, made.publicId), replayed: made.replayed }
  } catch (error) {
    await noteRefused(deps, ask, act, error)
    throw error
  }
}

/** In slices: sealing the environments of 10,000 jobs takes long enough to be noticed by others. */
const each = <From, To>(all: readonly From[], one: (item: From) => To): Promise<To[]> =>
  inSlices(
    (function* () {
      const made: To[] = []
      for (const item of all) {
        made.push(one(item))
        yield
      }
      return made
    })(),
  )
