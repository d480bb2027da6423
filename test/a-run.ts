/** A run of a test's jobs, and what may be asked of it. */
import type { JobSpecInput } from '../src/job/spec.ts'
import { batchWords } from '../src/job/status-word.ts'
import { newPublicId } from '../src/lib/ids.ts'
import { findRun, submitRun, type RunRow } from '../src/queue/runs.ts'
import { aJob, type QueueWorld } from './queue-world.ts'

export interface MadeRun {
  key: string
  publicId: string
  ids: string[]
  /** As it is now. */
  row(): Promise<RunRow>
  counts(): Promise<string>
}

/** In the world's owner's name unless told. */
export async function aRun(
  world: QueueWorld,
  specs: Partial<JobSpecInput>[],
  ownerId = world.userId,
): Promise<MadeRun> {
  const jobs = specs.map((spec) => aJob(spec))
  const run = { publicId: newPublicId(), name: 'nightly', description: null, template: null, rerunOf: null, notify: [] }
  await world.db.tx((tx) => submitRun(tx, { ownerId, run, jobs }))
  const row = async (): Promise<RunRow> => (await findRun(world.db, run.publicId))!
  return {
    key: (await row()).key,
    publicId: run.publicId,
    ids: jobs.map((job) => job.publicId),
    row,
    counts: async () => {
      const { counts } = await row()
      return batchWords.flatMap((word) => (counts[word] > 0 ? [`${counts[word]} ${word}`] : [])).join(', ')
    },
  }
}

export const times = (n: number, spec: Partial<JobSpecInput> = {}): Partial<JobSpecInput>[] =>
  Array.from({ length: n }, () => spec)
