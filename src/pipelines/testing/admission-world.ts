/** A pipeline whose runs stay as they are until the test ends them: their only task waits for somebody's decision. */
import { aJob, queueWorld, type QueueWorld } from '../../../test/queue-world.ts'
import type { Db } from '../../db/pool.ts'
import { startRun } from '../start-run.ts'
import type { EndedPipelineRun, PipelineHooks, PipelineRef, StartedRun, StartRun } from '../run.ts'
import { definitionOf, storePipeline, type DefinitionParts } from './definitions.ts'

export interface AdmissionWorld extends Omit<QueueWorld, 'passTime'> {
  hooks: PipelineHooks
  /** Told of by `hooks.runsEnded`, also of transactions that were rolled back. */
  ended: EndedPipelineRun[]
  pipeline(name: string, parts?: DefinitionParts): Promise<PipelineRef>
  start(pipeline: PipelineRef, over?: Partial<StartRun>, db?: Db): Promise<StartedRun>
  /** `waiting`, `running` or the result, with what they say of their end; oldest first. */
  list(pipeline: PipelineRef): Promise<string[]>
  /** As if it had been approved; nobody hears of it. */
  end(runKey: string, result?: 'succeeded' | 'failed'): Promise<void>
  /** Moves times of start delays and admissions back. */
  passTime(seconds: number): Promise<void>
}

export const approval = { message: null, timeout_ms: null, on_timeout: 'reject' as const }

export async function admissionWorld(): Promise<AdmissionWorld> {
  const world = await queueWorld()
  const { db, userId } = world
  const ended: EndedPipelineRun[] = []
  const hooks: PipelineHooks = {
    newJob: ({ name, command }) => aJob({ name, command }),
    placeJobs: async () => [],
    runsEnded: async (_, runs) => void ended.push(...runs),
    checkVariables: (_, given) => given,
    readOutput: async () => ({ stdout: '', stderr: '' }),
  }
  return {
    ...world,
    hooks,
    ended,
    pipeline: (name, { tasks = { hold: { script: [], approval } }, ...parts } = {}) =>
      storePipeline(db, name, definitionOf({ tasks, ...parts })),
    start: (pipeline, over = {}, on = db) =>
      on.tx((tx) =>
        startRun(tx, hooks, {
          pipeline,
          ownerId: userId,
          variables: {},
          queuePartition: null,
          label: null,
          trigger: 'manual',
          ...over,
        }),
      ),
    async list({ pipelineId }) {
      const { rows } = await db.query<{ word: string }>(
        `select concat_ws(' ', coalesce(result, state), last_error) as word from pipeline_runs
         where pipeline_id = $1 order by run_id`,
        [pipelineId],
      )
      return rows.map((row) => row.word)
    },
    end: (runKey, result = 'succeeded') =>
      db.tx(async (tx) => {
        await tx.query('update runs set ended_at = clock_timestamp() where id = $1', [runKey])
        await tx.query(`update pipeline_runs set state = 'ended', result = $2 where run_id = $1`, [runKey, result])
      }),
    passTime: async (seconds) =>
      void (await db.query(
        `update pipeline_runs set not_before = not_before - make_interval(secs => $1),
           admitted_at = admitted_at - make_interval(secs => $1)`,
        [seconds],
      )),
  }
}
