/** Units whose turn has come become jobs: rendered one by one, submitted together. */
import type { Last, Queryable } from '../db/pool.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { submit } from '../queue/submit.ts'
import type { NewJob } from '../queue/types.ts'
import { TemplateError } from '../template/template.ts'
import type { Unit } from './plan.ts'
import type { PipelineHooks, TaskJob } from './run.ts'

export interface UnitJob extends Unit {
  job: NewJob
}
/** One that has no job, and why. */
export interface RefusedUnit extends Unit {
  error: string
}

/** Text of one submit together: a job with a script of 1 MiB takes its time. */
const bytesAtOnce = 16 * 1024 * 1024

/** Those after `rest` did not fit; they wait for the next step. */
export function makeJobs(
  hooks: PipelineHooks,
  units: readonly Unit[],
  taskOf: (unit: Unit) => TaskJob,
): { jobs: UnitJob[]; refused: RefusedUnit[]; rest: number } {
  const jobs: UnitJob[] = []
  const refused: RefusedUnit[] = []
  let bytes = 0
  let done = 0
  for (const { position, item } of units) {
    if (bytes > bytesAtOnce) break
    done += 1
    try {
      const task = taskOf({ position, item })
      const sizes = [...task.command, ...Object.values(task.env)].map((text) => Buffer.byteLength(text))
      bytes += sizes.reduce((sum, size) => sum + size, 0)
      jobs.push({ position, item, job: hooks.newJob(task) })
    } catch (error) {
      refused.push({ position, item, error: refusal(error) })
    }
  }
  return { jobs, refused, rest: units.length - done }
}

/** Those that may not be where they name a place, with the words for it; the others are left in `made.jobs`. */
export async function refuseMisplaced(
  tx: Queryable,
  hooks: PipelineHooks,
  { ownerId }: { ownerId: string },
  made: { jobs: UnitJob[]; refused: RefusedUnit[] },
): Promise<void> {
  if (made.jobs.every(({ job }) => job.spec.executor === 'sandbox')) return
  const jobs = made.jobs.map(({ job }) => job)
  const words = await hooks.placeJobs(tx, ownerId, jobs)
  made.refused.push(
    ...made.jobs.flatMap(({ position, item }, i) => (words[i] == null ? [] : [{ position, item, error: words[i] }])),
  )
  made.jobs = made.jobs.filter((_, i) => words[i] == null)
}

/** In the words of whoever refused it; what is a defect of ours goes on. */
export function refusal(error: unknown): string {
  if (error instanceof TemplateError) return error.message
  if (isAppError(error) && error.code !== 'internal' && error.code !== 'unavailable') return error.message
  throw error
}

/** Returns those that the queue did not take, e.g. because theirs does not exist. */
export async function submitUnits(
  tx: Queryable,
  run: { key: string; ownerId: string },
  units: readonly UnitJob[],
  last?: Last,
): Promise<RefusedUnit[]> {
  const refused: RefusedUnit[] = []
  let left = [...units]
  while (left.length > 0) {
    try {
      const jobs = left.map((unit) => unit.job)
      await submit(tx, { ownerId: run.ownerId, runKey: run.key, jobs, fieldPrefix: (nr) => `${nr} ` }, last)
      break
    } catch (error) {
      const words = refusal(error)
      const fields = error instanceof AppError ? error.fields : []
      const wrong = new Map(fields.map(({ field, message }) => [Number(field.split(' ')[0]), message]))
      refused.push(
        ...left.flatMap((unit, nr) =>
          wrong.size === 0 || wrong.has(nr) ? [{ ...unit, error: wrong.get(nr) ?? words }] : [],
        ),
      )
      left = wrong.size === 0 ? [] : left.filter((_, nr) => !wrong.has(nr))
    }
  }
  return refused
}
