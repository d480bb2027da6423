/** Several servers that start, end, cancel and admit at once: the database itself looks at every step of theirs. */
import { expect, test } from 'vitest'
import { isAppError } from '../lib/app-error.ts'
import { admitWaiting } from './admit-waiting.ts'
import { cancelPipelineRun } from './cancel-run.ts'
import type { PipelineRef } from './run.ts'
import { admissionWorld, type AdmissionWorld } from './testing/admission-world.ts'
import type { DefinitionParts } from './testing/definitions.ts'

/** Whoever holds the lock sees all that was committed before, and what it is doing itself. */
async function guardLimits({ db }: AdmissionWorld, concurrency: number, waiting: number): Promise<void> {
  await db.query(`
    create function check_limits() returns trigger language plpgsql as $$
    declare counts record;
    begin
      select count(*) filter (where state = 'running') as running, count(*) filter (where state = 'waiting') as waiting
        into counts from pipeline_runs;
      if counts.running > ${concurrency} or counts.waiting > ${waiting} then
        raise exception '% run, % wait', counts.running, counts.waiting;
      end if;
      return null;
    end $$;
    create trigger check_limits after insert or update on pipeline_runs for each statement execute function check_limits()`)
}

const openOf = async ({ db }: AdmissionWorld, { pipelineId }: PipelineRef, state: string): Promise<string[]> => {
  const { rows } = await db.query<{ key: string }>(
    'select run_id as key from pipeline_runs where pipeline_id = $1 and state = $2',
    [pipelineId, state],
  )
  return rows.map((row) => row.key)
}

const strategies: [string, number, DefinitionParts][] = [
  ['append', 4, { queue_limit: 4 }],
  ['replace', 2, { queue_strategy: 'replace', queue_limit: 2 }],
  ['partitioned_replace', 6, { queue_strategy: 'partitioned_replace', queue_partition_limit: 2 }],
]

test.each(strategies)(
  '%s: never above a limit, none lost, none twice, first come first served',
  async (_, places, parts) => {
    const world = await admissionWorld()
    await guardLimits(world, 3, places)
    const pipeline = await world.pipeline('busy', { concurrency: 3, ...parts })
    const servers = [world.db, world.secondDb(), world.secondDb()]
    let nr = 0
    const started: string[] = []
    const refused: unknown[] = []
    const act = async (server: (typeof servers)[number]): Promise<void> => {
      const turn = nr++
      if (turn % 5 === 3) {
        const [key] = await openOf(world, pipeline, 'running')
        if (key !== undefined) await world.end(key)
        await admitWaiting(server, world.hooks, pipeline.pipelineId)
      } else if (turn % 20 === 9) {
        const [key] = await openOf(world, pipeline, 'waiting')
        if (key !== undefined)
          await server.tx((tx) => cancelPipelineRun(tx, world.hooks, key, 'no')).catch((error) => refused.push(error))
      } else {
        const queuePartition = ['a', 'b', null][turn % 3]!
        const over = {
          queuePartition,
          ...(turn % 7 === 0 && { idempotency: { key: `${turn % 70}`, bodyHash: Buffer.of(1) } }),
        }
        await world.start(pipeline, over, server).then(
          (run) => run.replayed || started.push(run.runKey),
          (error) => refused.push(error),
        )
      }
    }
    const client = async (server: (typeof servers)[number]): Promise<void> => {
      while (nr < 240) await act(server)
    }
    await Promise.all([...servers, ...servers].map(client))
    for (const error of refused)
      expect(['failed_precondition', 'conflict']).toContain(isAppError(error) ? error.code : error)
    for (let running; (running = await openOf(world, pipeline, 'running')).length > 0;) {
      for (const key of running) await world.end(key)
      await admitWaiting(world.db, world.hooks, pipeline.pipelineId)
    }
    interface Row {
      key: string
      state: string
      result: string
      reason: string | null
      admitted: Date | null
    }
    const { rows } = await world.db.query<Row>(
      `select run_id as key, state, result, last_error as reason, admitted_at as admitted
       from pipeline_runs order by run_id`,
    )
    expect(rows.map((row) => row.key).toSorted()).toEqual(started.toSorted())
    expect(new Set(rows.map((row) => row.state))).toEqual(new Set(['ended']))
    // Who was not admitted was cancelled or replaced; a cancel may also come between admission and first step.
    const odd = rows.filter(({ admitted, result, reason }) =>
      admitted === null ? result !== 'cancelled' : result === 'cancelled' && reason !== 'no',
    )
    expect(odd).toEqual([])
    const admitted = rows.flatMap((row) => (row.admitted === null ? [] : [row.admitted.getTime()]))
    expect(admitted).toEqual(admitted.toSorted((a, b) => a - b))
    expect(world.ended).toHaveLength(rows.filter((row) => row.result === 'cancelled').length)
    expect(admitted.length).toBeGreaterThan(20)
  },
)
