/** The engine over a real queue, with a runner whose jobs end as the test says. */
import type { Outcome } from '../../job/outcome.ts'
import { bad, good, type TestRunner } from '../../../test/queue-world.ts'
import { finish } from '../../queue/finish.ts'
import type { ClaimedJob } from '../../queue/types.ts'
import { advancing, type Advancing } from '../advancing.ts'
import type { PipelineHooks, TaskJob } from '../run.ts'
import { admissionWorld, type AdmissionWorld } from './admission-world.ts'

/** By the name of a job without its pipeline's: how it ends, or what it writes. */
export type Ending = Outcome | 'bad' | { outputs: Record<string, string> }

export interface EngineWorld extends AdmissionWorld {
  engine: Advancing
  settle(): Promise<void>
  worker: TestRunner
  finishWith(job: ClaimedJob, outputs: Record<string, string>): Promise<unknown>
  /** Names of all jobs that were claimed, in their order. */
  claimed: string[]
  /** What of the environment a job's templates became, by name. */
  envOf: Map<string, Record<string, string>>
  errors: unknown[]
  /** Until nothing is queued any more: claims, ends, tells the engine. */
  work(endings?: Record<string, Ending>): Promise<void>
  /** `name state` of each task, instances after theirs, with what it failed of. */
  tasks(runKey: string): Promise<string[]>
}

export async function engineWorld(
  over: Partial<PipelineHooks> = {},
  patience?: { failures: number; ms: number },
): Promise<EngineWorld> {
  const world = await admissionWorld()
  const { db } = world
  const envOf = new Map<string, Record<string, string>>()
  const { hooks } = world
  const { newJob } = hooks
  // The world starts runs with the same ones.
  Object.assign(hooks, over, {
    newJob(task: TaskJob) {
      envOf.set(task.name, task.env)
      return newJob(task)
    },
  })
  const errors: unknown[] = []
  const onError = (_: string, error: unknown): void => void errors.push(error)
  const engine = advancing(db, hooks, { removeLogs: async () => {}, onError, wake() {}, patience })
  const worker = await world.runner({ slots: 1000 })
  const claimed: string[] = []
  const finishWith: EngineWorld['finishWith'] = (job, outputs) =>
    finish(db, [{ ...worker.from, ref: job, outcome: good, log: null, outputs }])
  /** Looks until a look changes nothing: notices do not reach this engine. */
  const settle = async (): Promise<void> => {
    for (let before = ''; ;) {
      engine.heard()
      await engine.service.runOnce()
      await engine.idle()
      if (errors.length > 0) throw errors[0]
      const { rows } = await db.query<{ all: string }>(
        `select concat((select string_agg(concat(run_id, state), ',' order by run_id) from pipeline_runs),
           (select string_agg(concat(state, job_id, child_run), ',' order by run_id, name, item) from run_tasks)) as all`,
      )
      if (rows[0]!.all === before) return
      before = rows[0]!.all
    }
  }
  return {
    ...world,
    engine,
    settle,
    worker,
    finishWith,
    claimed,
    envOf,
    errors,
    async work(endings = {}) {
      for (;;) {
        await settle()
        const jobs = await worker.claim()
        if (jobs.length === 0) return
        await worker.started(...jobs)
        for (const job of jobs) {
          const name = job.spec.name.replace(/^[^/]*\//, '')
          claimed.push(name)
          const ending = endings[name] ?? good
          if (typeof ending === 'object' && 'outputs' in ending) await finishWith(job, ending.outputs)
          else await worker.finish(job, ending === 'bad' ? bad : ending)
        }
      }
    },
    async tasks(runKey) {
      const { rows } = await db.query<{ words: string }>(
        `select concat_ws(' ', name || case when item >= 0 then '[' || item || ']' else '' end, state, error) as words
         from run_tasks where run_id = $1 order by position, item`,
        [runKey],
      )
      return rows.map((row) => row.words)
    },
  }
}
