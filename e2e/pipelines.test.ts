/** Pipelines of a project directory, on a real system: from the command line, over REST and live, over a dead server. */
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PipelineRun, PipelineTask } from '../src/api/contract/index.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'
import { liveSocket } from '../test/live-socket.ts'
import { makeProject, type Project } from './project.ts'
import { exited, logOf, readServerFile, signIn, startSystem, until, type System } from './system.ts'

const definition = (long: string) => `
pipelines:
  build:
    env: { LEVEL: pipeline, ONLY: pipeline }
    parameters:
      tag: { type: string, required: true }
      count: { type: number, default: 1 }
    tasks:
      compile:
        env: { LEVEL: task }
        script:
          - 'mkdir -p out && cd out && echo {{ .count }}'
          - 'echo "$LEVEL $ONLY $TASK_NAME"; echo made > out/{{ .tag }}'
      lint: { script: ['echo bad; exit 4', 'echo goes on'], allow_failure: true }
      test: { script: ['cat out/{{ .tag }}'], depends_on: [compile, lint] }
  flaky:
    tasks:
      a: { script: ['echo a >> runs'] }
      b: { script: ['echo why >&2; test -e fixed'], depends_on: [a] }
      c: { script: ['echo c'], depends_on: [b] }
    on_error:
      script: ['echo "{{ .failedTaskName }} {{ .failedTaskExitCode }} {{ .failedTaskStderr }}" > failed']
  tree:
    tasks:
      tree: { script: ['sleep 300.48211 & sleep 301.48211 & wait'] }
      after: { script: ['echo never'], depends_on: [tree] }
  long:
    tasks:
      ${long}
`
const first = `one: { script: ['for i in $(seq 25); do echo $i; sleep 0.1; done'] }
      two: { script: ['echo two'], depends_on: [one] }`

let system: System
let project: Project

beforeAll(async () => {
  project = await makeProject({ 'ci/pipelines.yml': definition(first) })
  system = await startSystem({ RUNYARD_PIPELINES: project.dir, RUNYARD_RUNNER_SLOTS: '4' }, { up: false })
  system.up = system.spawn(['server'])
  await signIn(system)
  runner = system.spawn(['runner'])
}, 60_000)
let runner: ReturnType<System['spawn']> | undefined
afterAll(async () => {
  runner?.kill('SIGTERM')
  if (runner) await exited(runner)
  await system?.stop()
  await project?.remove()
})

const pipeline = (...args: string[]) => system.cli(['pipeline', ...args])
const calls = () => system.api.calls
const start = (name: string, variables = {}): Promise<PipelineRun> => calls().pipelines.start({ name, variables })
const tasksOf = async (id: string): Promise<PipelineTask[]> => (await calls().pipelineRuns.tasks({ id })).tasks
const states = async (id: string) => Object.fromEntries((await tasksOf(id)).map(({ name, state }) => [name, state]))
const over = (id: string): Promise<PipelineRun> =>
  until(`the end of run ${id}`, async () => {
    const run = await calls().pipelineRuns.get({ id })
    return run.ended_at !== null && run
  })

test.skipIf(noSandbox)('start --watch: a graph of tasks in their project, its result as the exit code', async () => {
  const wrong = await pipeline('start', 'build', '--set', 'tagg=v1')
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean tag?') })
  const { code, stdout, stderr } = await pipeline('start', 'build', '-s', 'tag=v1', '-s', 'count=3', '--watch')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^build succeeded in .*: 3\/3: 3 done$/m)
  const [run] = (await calls().pipelineRuns.list({ pipeline: 'build' })).runs
  expect(run).toMatchObject({ status: 'succeeded', variables: { tag: 'v1', count: 3 } })
  const tasks = await tasksOf(run!.id)
  expect(tasks.map(({ name, state, exit_code: exit }) => [name, state, exit])).toEqual([
    ...[
      ['compile', 'done', 0],
      ['lint', 'done', 4],
      ['test', 'done', 0],
    ],
  ])
  const output = async (i: number) => (await logOf(system, tasks[i]!.job_id!, 'stdout')).toString()
  // Each item begins in the project's directory; the next one runs, whatever `cd` did before.
  expect([await output(0), await output(1), await output(2)]).toEqual([
    ...['3\ntask pipeline compile\n', 'bad\ngoes on\n', 'made\n'],
  ])
  const made = await stat(join(project.dir, 'out/v1'))
  expect(made.uid).toBe((await stat(project.dir)).uid)
  expect((await pipeline('log', run!.id, 'test')).stdout).toBe('made\n')
})

test.skipIf(noSandbox)('what failed is told live and to on_error, and goes on where it failed', async () => {
  const live = await liveSocket(system.url, system.token)
  const { id } = await start('flaky')
  live.send({ type: 'subscribe', id: 'run', topic: 'pipeline_run', run_id: id, tasks: true })
  await live.until((m) => m.type === 'pipeline_tasks' && m.tasks.some((t) => t.name === 'b' && t.state === 'failed'))
  await live.until((m) => m.type === 'pipeline_run' && m.run.status === 'failed')
  live.socket.terminate()
  expect(await states(id)).toEqual({ a: 'done', b: 'failed', c: 'skipped', on_error: 'done' })
  expect(await readFile(join(project.dir, 'failed'), 'utf8')).toBe('b 1 why\n\n')
  await project.write('fixed', '')
  const again = await pipeline('rerun', id, '--watch', '--json')
  expect(again.code).toBe(0)
  const run = JSON.parse(again.stdout) as PipelineRun
  expect(run).toMatchObject({ status: 'succeeded', rerun_of: id, trigger: 'rerun' })
  expect(await readFile(join(project.dir, 'runs'), 'utf8')).toBe('a\n')
})

test.skipIf(noSandbox)('a cancel kills the whole tree of a task, and what waits for it never begins', async () => {
  const { id } = await start('tree')
  await until('both sleeps', async () => (await sleeping()).length >= 2)
  const watching = pipeline('watch', id)
  expect((await pipeline('cancel', id, '--reason', 'enough')).code).toBe(0)
  expect(await over(id)).toMatchObject({ status: 'cancelled', last_error: 'enough' })
  expect(await sleeping()).toEqual([])
  expect(await states(id)).toEqual({ tree: 'cancelled', after: 'cancelled' })
  expect((await watching).code).toBe(130)
})

/** Command lines, on the whole machine, that only these tasks have. */
async function sleeping(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => /^sleep\0\d+\.48211/.test(line))
}

test.skipIf(noSandbox)('a run outlives its server and a new version of its pipeline', async () => {
  const run = await start('long')
  const [one] = await tasksOf(run.id)
  await until('its first lines', async () => (await logOf(system, one!.job_id!)).toString().includes('3\n'))
  await project.write('ci/pipelines.yml', definition(`new: { script: ['echo new'] }`))
  await until('the new version', async () => (await calls().pipelines.get({ name: 'long' })).version === 2)
  process.kill((await readServerFile(system)).pid, 'SIGKILL')
  await exited(system.up!)
  system.up = system.spawn(['server'])
  await signIn(system)
  expect(await over(run.id)).toMatchObject({ status: 'succeeded', version: 1 })
  expect(await states(run.id)).toEqual({ one: 'done', two: 'done' })
  const log = (await logOf(system, one!.job_id!)).toString()
  expect(log).toBe(Array.from({ length: 25 }, (_, i) => `${i + 1}\n`).join(''))
  const next = await over((await start('long')).id)
  expect([next.version, await states(next.id)]).toEqual([2, { new: 'done' }])
})
