/**
 * Everything that locks, at once over four servers: starts, ends of jobs, cancels, deletes, definitions that change, folds.
 * No two may wait for each other. RUNYARD_STRESS_SECONDS makes it longer than the sample.
 */
import { expect, test } from 'vitest'
import { bad, good } from '../../test/queue-world.ts'
import { isAppError } from '../lib/app-error.ts'
import { foldRunCounts } from '../queue/run-counts.ts'
import { foldCounts } from '../queue/totals.ts'
import { admitWaiting } from './admit-waiting.ts'
import { advancing } from './advancing.ts'
import { cancelPipelineRun, cancelWaitingRuns } from './cancel-run.ts'
import { deleteRunStep } from './delete-run.ts'
import { rerunOf } from './rerun-run.ts'
import { startRun } from './start-run.ts'
import { requestTaskCancel } from './task-acts.ts'
import { definitionOf, storePipeline, type DefinitionParts } from './testing/definitions.ts'
import { engineWorld } from './testing/engine-world.ts'

/** A deadlock in each of the orders that were wrong took some seconds; by hand 60 found none any more. */
const seconds = Number(process.env['RUNYARD_STRESS_SECONDS'] ?? 0.6)

/** The same choices each time; who comes first is the machine's affair. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

test(
  'no deadlock, whatever happens at once; afterwards every run ends',
  { timeout: seconds * 1000 + 60_000 },
  async () => {
    const world = await engineWorld()
    const { db, hooks, userId } = world
    const after = (...names: string[]) => ({ depends_on: names })
    const parts: Record<string, DefinitionParts> = {
      inner: { concurrency: 3, tasks: { x: {}, y: after('x') } },
      one: {
        concurrency: 2,
        queue_strategy: 'replace',
        queue_limit: 2,
        interrupt_running: true,
        tasks: { a: {}, b: after('a') },
      },
      two: {
        ...{ concurrency: 3, queue_limit: 5, retention_count: 3 },
        tasks: {
          sub: { script: [], pipeline: { name: 'inner', variables: {} } },
          each: { for_each: [1, 2, 3] },
          c: after('sub', 'each'),
        },
        on_error: { script: ['true'], env: {} },
      },
    }
    const refs = new Map(
      await Promise.all(
        Object.entries(parts).map(async ([name, each]) => [name, await world.pipeline(name, each)] as const),
      ),
    )
    const servers = [db, world.secondDb(), world.secondDb(), world.secondDb()]
    const seen: unknown[] = []
    const onError = (_: string, error: unknown): void => void seen.push(error)
    // A leader that was paused does not know yet that there is another one.
    const engines = servers
      .slice(0, 2)
      .map((server) => advancing(server, hooks, { removeLogs: async () => {}, onError, wake() {} }))
    const pick = <T>(list: readonly T[], roll: (n: number) => number): T[] =>
      list.length === 0 ? [] : [list[roll(list.length)]!]
    const keys = async (where: string): Promise<string[]> =>
      (
        await db.query<{ key: string }>(`select run_id as key from pipeline_runs where ${where} order by run_id`)
      ).rows.map(({ key }) => key)

    const until = performance.now() + seconds * 1000
    let acts = 0
    async function client(server: (typeof servers)[number], roll: (n: number) => number): Promise<void> {
      while (performance.now() < until) {
        acts += 1
        await act(server, roll).catch((error: unknown) => void seen.push(error))
      }
    }
    async function act(server: (typeof servers)[number], roll: (n: number) => number): Promise<void> {
      const name = ['one', 'two', 'two', 'inner'][roll(4)]!
      switch (roll(10)) {
        case 0:
        case 1:
        case 2:
          await world.start(
            refs.get(name)!,
            roll(4) === 0 ? { idempotency: { key: `${roll(5)}`, bodyHash: Buffer.of(1) } } : {},
            server,
          )
          return
        case 3:
          for (const key of pick(await keys(`state <> 'ended'`), roll))
            await server.tx((tx) => cancelPipelineRun(tx, hooks, key, 'enough'))
          return
        case 4:
          for (const runKey of pick(await keys(`state = 'running'`), roll))
            await server.tx((tx) =>
              requestTaskCancel(tx, { runKey, name: ['a', 'sub', 'each', 'x'][roll(4)]!, item: -1 }),
            )
          return
        case 5:
          for (const runKey of pick(await keys(`state = 'ended'`), roll))
            await deleteRunStep(server, runKey, async () => {}, 2)
          return
        case 6:
          for (const runKey of pick(await keys(`result <> 'succeeded'`), roll)) {
            const input = { runKey, from: 'failed' as const, ownerId: userId, label: null }
            await server.tx(async (tx) => startRun(tx, hooks, await rerunOf(tx, input)))
          }
          return
        case 7:
          refs.set(
            name,
            await server.tx((tx) => storePipeline(tx, name, definitionOf({ ...parts[name], env: { V: `${acts}` } }))),
          )
          return
        case 8:
          if (roll(4) === 0)
            await server.tx((tx) => cancelWaitingRuns(tx, hooks, refs.get(name)!.pipelineId, 'it was removed'))
          else await admitWaiting(server, hooks, refs.get(name)!.pipelineId)
          return
        default:
          await Promise.all([foldRunCounts(server), foldCounts(server)])
      }
    }
    async function steps(engine: (typeof engines)[number]): Promise<void> {
      while (performance.now() < until) {
        engine.heard()
        await engine.service.runOnce().catch((error: unknown) => void seen.push(error))
        await engine.idle()
      }
    }
    async function works(roll: (n: number) => number): Promise<void> {
      while (performance.now() < until) {
        const jobs = await world.worker.claim({ slots: 8 })
        if (jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        else {
          await world.worker.started(...jobs)
          await world.worker.finishAll(jobs, roll(4) === 0 ? bad : good)
        }
      }
    }
    await Promise.all([
      ...servers.map((server, nr) => client(server, dice(nr + 1))),
      ...engines.map(steps),
      works(dice(99)),
    ])
    const wrong = seen.filter(
      (error) => !isAppError(error) || !['failed_precondition', 'conflict', 'not_found'].includes(error.code),
    )
    expect(wrong).toEqual([])
    // Those that were tried again do not show above.
    const { rows } = await db.query<{ n: number }>(
      'select deadlocks::int as n from pg_stat_database where datname = current_database()',
    )
    expect(rows[0]!.n).toBe(0)
    for (const key of await keys(`state <> 'ended'`)) await db.tx((tx) => cancelPipelineRun(tx, hooks, key, 'enough'))
    await world.work()
    expect(await keys(`state <> 'ended'`)).toEqual([])
    expect(acts).toBeGreaterThan(20)
  },
)
