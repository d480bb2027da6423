/**
 * Pipelines while everything around them dies: two servers on one database start runs at once, then the one that steps them,
 * the runner in the middle of a task, and the database are killed. The counts at the end are the database's own.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ChildProcess } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readFacts } from '../src/cli/instance/files.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'
import { startPostgres, type OwnPostgres } from './outages/postgres.ts'
import { exited, logOf, signIn, startSystem, until, type System } from './system.ts'

const undo: (() => unknown)[] = []
const told: string[] = []
let postgres: OwnPostgres
let a: System
let b: System
let runner: ChildProcess
let said = ''

const definitions: Record<string, string> = {
  child: `{ concurrency: 9, tasks: { x: { script: ['sleep 0.3'] } } }`,
  many: `
    concurrency: 2
    notify: [team]
    continue_running_tasks_after_failure: true
    on_error: { script: ['echo {{ .failedTaskName }}'] }
    tasks:
      each: { for_each: [p, q, r], script: ['sleep 0.4; echo n={{ .item }} >> "$RUNYARD_OUTPUT"'] }
      sub: { pipeline: { name: child } }
      bad: { script: ['exit 3'], depends_on: [each, sub] }`,
  slow: `
    tasks:
      print:
        artifacts: [kept]
        script:
          - 'echo begun; echo one >> kept; echo early=1 >> "$RUNYARD_OUTPUT"; sleep 5; echo two >> kept; echo late=2 >> "$RUNYARD_OUTPUT"; echo over'
      read:
        depends_on: [print]
        artifacts_from: [print]
        script: ['cat /artifacts/print/kept; echo {{ output "print" "early" }}{{ output "print" "late" }}']`,
}

const spawn = (system: System, word: string): ChildProcess => {
  const child = system.spawn([word])
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (bytes: Buffer) => (said = `${said}${bytes.toString()}`.slice(-6000)))
  }
  return child
}

beforeAll(async () => {
  if (noSandbox) return
  postgres = await startPostgres()
  undo.push(() => postgres.close())
  const receiver = createServer((req, res) => {
    told.push(String(req.headers['webhook-id']))
    res.end()
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  undo.push(() => receiver.close())
  const common = {
    DATABASE_URL: postgres.url,
    RUNYARD_SECRET_KEY: randomBytes(32).toString('base64'),
    RUNYARD_JWT_SECRET: randomBytes(32).toString('base64'),
    RUNYARD_RUNNER_SLOTS: '10',
  }
  for (const nr of [0, 1]) {
    const system = await startSystem(common, { up: false })
    undo.push(() => system.stop())
    // The first one leads.
    system.up = spawn(system, 'server')
    await signIn(system)
    if (nr === 0) a = system
    else b = system
  }
  runner = spawn(b, 'runner')
  undo.push(async () => {
    runner.kill('SIGTERM')
    await exited(runner)
  })
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  await b.api.calls.channels.put({ name: 'team', settings: { kind: 'webhook', url } })
  for (const [name, body] of Object.entries(definitions)) {
    await b.api.calls.pipelines.put({ name, source: `pipelines:\n  ${name}: ${body}\n` })
  }
  // Whoever changes a run's state has the admission lock, or gives a place free.
  await postgres.query('create table seen (running int)')
  await postgres.query(`create function see() returns trigger language plpgsql security definer as $$ begin
    insert into seen select count(*) from pipeline_runs pr join pipelines p on p.id = pr.pipeline_id
      where p.name = 'many' and pr.state = 'running';
    return null; end $$`)
  await postgres.query(
    'create trigger see after insert or update on pipeline_runs for each statement execute function see()',
  )
  await until('the runner', async () =>
    (await b.api.calls.runners.list()).runners.some((one) => one.state === 'online'),
  )
})
afterAll(async () => {
  for (const step of undo.toReversed()) await step()
})

const one = async <T extends string | number>(sql: string): Promise<T> =>
  Object.values((await postgres.query<Record<string, T>>(sql))[0]!)[0]!
const start = (system: System, name: string) => system.api.calls.pipelines.start({ name })
const open = () => one<number>(`select count(*)::int from pipeline_runs where state <> 'ended'`)
/** Anything that the engine does. */
const steps = () =>
  one<string>(`select concat(count(job_id), ' ', count(child_run), ' ', count(ended_at)) from run_tasks`)

test.skipIf(noSandbox)(
  'each run to its end, each task once, whoever dies',
  async () => {
    await Promise.all([a, b, a, b, a, b].map((server) => start(server, 'many')))
    const slow = await start(b, 'slow')
    const print = await until('its first words', async () => {
      const [task] = (await b.api.calls.pipelineRuns.tasks({ id: slow.id })).tasks
      return (await logOf(b, task!.job_id!)).toString() === 'begun\n' && task!.job_id
    })

    a.up!.kill('SIGKILL')
    await exited(a.up!)
    const before = await steps()
    const killed = performance.now()
    await until('the next step by the other server', async () => (await steps()) !== before, 20_000)
    console.log(`stepped again ${Math.round(performance.now() - killed)} ms after the leader was killed`)

    process.kill((await readFacts(b.dataDir, 'runner.json'))!.pid, 'SIGKILL')
    await exited(runner)
    expect(await one(`select state from jobs where name = 'slow/print'`)).toBe('running')
    runner = spawn(b, 'runner')

    await until('a run that ended', async () => (await open()) < 7)
    expect(await open()).toBeGreaterThan(1)
    await postgres.down('kill')
    await new Promise((resolve) => setTimeout(resolve, 2000))
    await postgres.up()
    await until('the end of all', async () => (await open()) === 0, 60_000).catch((error: unknown) => {
      throw new Error(said, { cause: error })
    })

    const ends = await postgres.query<{ name: string; words: string; n: number }>(
      `select p.name, concat_ws(' ', result, last_error) as words, count(*)::int as n
       from pipeline_runs pr join pipelines p on p.id = pr.pipeline_id group by 1, 2 order by 1`,
    )
    expect(ends).toEqual([
      { name: 'child', words: 'succeeded', n: 6 },
      { name: 'many', words: 'failed task bad: exited with code 3', n: 6 },
      { name: 'slow', words: 'succeeded', n: 1 },
    ])
    expect(await one('select max(running) from seen')).toBe(2)
    // Of each task, instance and on_error one job, of each sub-pipeline one run, of each end one message.
    expect(
      await postgres.query(
        `select run_id, name, count(*) from jobs where run_id is not null group by 1, 2 having count(*) > 1`,
      ),
    ).toEqual([])
    const units = `select count(*)::int from run_tasks t join pipeline_runs using (run_id) join pipelines p on p.id = pipeline_id`
    expect(await one(`${units} where p.name = 'many' and t.name = 'on_error' and t.state = 'done'`)).toBe(6)
    expect(await one(`${units} where p.name = 'many' and t.item >= 0 and t.state = 'done'`)).toBe(18)
    expect(await one(`select count(*)::int from jobs where run_id is not null`)).toBe(6 * 5 + 6 + 2)
    expect(await one(`select count(distinct parent_run_id)::int from pipeline_runs`)).toBe(6)
    await until('6 messages', async () => told.length >= 6)
    expect(new Set(told).size).toBe(6)
    expect(await one(`select count(*)::int from deliveries where about like 'pipeline_run:%'`)).toBe(6)
    expect(await one('select count(*)::int from outbox')).toBe(0)

    // What the task under the killed runner gave out, once.
    expect((await logOf(b, print)).toString()).toBe('begun\nover\n')
    expect(
      await one(`select count(*)::int from attempts a join jobs j on j.id = a.job_id where j.name = 'slow/print'`),
    ).toBe(1)
    const { artifacts } = await b.api.calls.jobs.artifacts({ id: print })
    expect(artifacts.map(({ name, bytes }) => [name, bytes])).toEqual([['kept', 8]])
    const read = (await b.api.calls.pipelineRuns.tasks({ id: slow.id })).tasks[1]!.job_id!
    expect((await logOf(b, read)).toString()).toBe('one\ntwo\n12\n')
  },
  120_000,
)
