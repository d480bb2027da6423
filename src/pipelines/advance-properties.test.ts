/** Random graphs, jobs that end in any way, people who cancel and servers that die in the middle of a step. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bad, good } from '../../test/queue-world.ts'
import type { Outcome } from '../job/outcome.ts'
import { cancelMany } from '../queue/cancel.ts'
import { advanceRun } from './advance.ts'
import { cancelPipelineRun } from './cancel-run.ts'
import { onErrorName } from './run-graph.ts'
import { engineWorld, type EngineWorld } from './testing/engine-world.ts'

const moves = [
  'step',
  'crash',
  'claim',
  'good',
  'bad',
  'lost',
  'cancelJob',
  'deleteJob',
  'cancelRun',
  'elsewhere',
] as const
const task = fc.record({
  needs: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
  allow_failure: fc.boolean(),
  interruptible: fc.boolean(),
  script: fc.constantFrom<string[]>(['true'], ['true'], [], ['{{ .unset }}']),
  for_each: fc.constantFrom<number[] | null>(null, null, [1, 2, 3]),
  max_parallel: fc.constantFrom(null, 2),
})
const given = fc.record({
  tasks: fc.array(task, { minLength: 1, maxLength: 9 }),
  goesOn: fc.boolean(),
  onError: fc.boolean(),
  moves: fc.array(
    fc.tuple(
      fc.oneof(
        { weight: 20, arbitrary: fc.constantFrom(...moves.slice(0, 5)) },
        { weight: 4, arbitrary: fc.constantFrom(...moves.slice(5, 8)) },
        { weight: 1, arbitrary: fc.constantFrom(...moves.slice(8)) },
      ),
      fc.nat(1000),
    ),
    { minLength: 10, maxLength: 40 },
  ),
})
const lost: Outcome = { state: 'lost', error_class: 'lost', remaining_processes: 0 }

test(
  'each task ends once and in its turn, no job is made twice, nothing begins after a failure, and the run ends',
  { timeout: 60_000 },
  async () => {
    // In the transaction: a step that crashes tells nobody.
    const world = await engineWorld({
      runsEnded: async (tx, ended) => void (await tx.query('insert into told values ($1)', [ended[0]!.key])),
    })
    await world.db.query('create table told (key text)')
    let nr = 0
    await fc.assert(
      fc.asyncProperty(given, async (graph) => {
        await checkRun(world, `p${nr++}`, graph)
      }),
      { numRuns: 20 },
    )
  },
)

type Given = typeof given extends fc.Arbitrary<infer T> ? T : never

async function checkRun(
  world: EngineWorld,
  name: string,
  { tasks, goesOn, onError, moves: script }: Given,
): Promise<void> {
  const { db, hooks, worker } = world
  const dependsOn = tasks.map(({ needs }, i) => needs.slice(0, i).flatMap((need, n) => (need ? [`t${n}`] : [])))
  const pipeline = await world.pipeline(name, {
    tasks: Object.fromEntries(
      tasks.map((parts, i) => [`t${i}`, { ...parts, needs: undefined, depends_on: dependsOn[i]! }]),
    ),
    continue_running_tasks_after_failure: goesOn,
    on_error: onError ? { script: ['{{ .failedTaskName }}'], env: {} } : null,
  })
  const { runKey } = await world.start(pipeline)
  const made = async (): Promise<{ name: string }[]> =>
    (await db.query<{ name: string }>('select name from jobs where run_id = $1', [runKey])).rows
  const seen = new Set<string>()
  const final = new Map<string, string>()
  let atFailure: Set<string> | undefined

  const check = async (): Promise<void> => {
    const names = (await made()).map((job) => job.name).filter((job) => !job.endsWith(onErrorName))
    expect(new Set(names).size).toBe(names.length)
    for (const job of names) {
      expect(atFailure?.has(job) ?? true, `${job} began after a failure`).toBe(true)
      seen.add(job)
    }
    const { rows } = await db.query<{ name: string; item: number; state: string }>(
      'select name, item, state from run_tasks where run_id = $1',
      [runKey],
    )
    const states = new Map(rows.map((row) => [`${row.name} ${row.item}`, row.state]))
    for (const [unit, state] of final) expect(states.get(unit)).toBe(state)
    for (const [unit, state] of states)
      if (['done', 'failed', 'cancelled', 'skipped'].includes(state)) final.set(unit, state)
    tasks.forEach((_, i) => {
      const state = states.get(`t${i} -1`)
      const began = state !== 'waiting' && state !== 'skipped' && state !== 'cancelled'
      if (began) for (const need of dependsOn[i]!) expect(states.get(`${need} -1`)).toBe('done')
    })
    if (!goesOn && [...states.values()].includes('failed')) atFailure ??= new Set(seen)
  }

  const step = (jobId = ''): Promise<unknown> =>
    db
      .tx((tx) => advanceRun(tx, hooks, runKey, { failedOutput: { jobId, stdout: '', stderr: '' } }))
      .then(({ outputWanted }) => outputWanted && step(outputWanted))
  const ids = async (condition: string): Promise<string[]> =>
    (
      await db.query<{ id: string }>(
        `select public_id as id from jobs where run_id = $1 and ${condition} order by id`,
        [runKey],
      )
    ).rows.map((row) => row.id)
  const pick = <T>(list: readonly T[], n: number): T[] => (list.length === 0 ? [] : [list[n % list.length]!])
  const end = async (n: number, outcome: Outcome): Promise<void> => {
    for (const job of pick(worker.held, n)) {
      await worker.started(job)
      await worker.finish(job, outcome)
    }
  }
  const act: Record<(typeof moves)[number], (n: number) => Promise<unknown>> = {
    step: () => step(),
    crash: () =>
      db
        .tx(async (tx) => {
          await advanceRun(tx, hooks, runKey)
          throw new Error('killed')
        })
        .catch((error: Error) => expect(error.message).toBe('killed')),
    claim: (n) => worker.claim({ slots: 1 + (n % 4) }),
    good: (n) => end(n, good),
    bad: (n) => end(n, bad),
    lost: (n) => end(n, lost),
    cancelJob: async (n) => cancelMany(db, { ids: pick(await ids('true'), n) }),
    deleteJob: async (n) => {
      await db.query('delete from jobs where public_id = any($1)', [pick(await ids('ended_at is not null'), n)])
    },
    cancelRun: () => db.tx((tx) => cancelPipelineRun(tx, hooks, runKey, 'enough')).catch(() => {}),
    elsewhere: () => Promise.all([step(), step()]),
  }
  await check()
  for (const [move, n] of script) {
    await act[move](n)
    await check()
  }
  for (let rounds = 0; ; rounds++) {
    await step()
    await check()
    const { rows } = await db.query<{ state: string }>('select state from pipeline_runs where run_id = $1', [runKey])
    if (rows[0]!.state === 'ended') break
    expect(rounds).toBeLessThan(60)
    await worker.claim()
    for (const job of [...worker.held]) {
      await worker.started(job)
      await worker.finish(job)
    }
  }
  await step()
  expect([...final.values()].length).toBe((await world.tasks(runKey)).length)
  const { rows } = await db.query('select 1 from told where key = $1', [runKey])
  expect(rows).toHaveLength(1)
}
