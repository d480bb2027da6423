/** Jobs that run elsewhere, on a real system: in a container of podman and on a host behind sshd, and a runner that dies. */
import type { ChildProcess } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noEngine, startEngine, type TestEngine } from '../src/executors/container/testing/engine.ts'
import { makeImage } from '../src/executors/container/testing/images.ts'
import { createSshd, noSshd, type Sshd } from '../src/executors/ssh/testing/sshd.ts'
import { readFacts } from '../src/cli/instance/files.ts'
import type { EventRunDetail } from '../src/api/contract/index.ts'
import { testDatabase } from '../test/database.ts'
import { ended, exited, logOf, signIn, startSystem, until, type System } from './system.ts'

const missing = noEngine || noSshd
if (missing) process.stderr.write(`skipped: ${missing}\n`)

const undo: (() => unknown)[] = []
let engine: TestEngine
let sshd: Sshd
let system: System
let runner: ChildProcess
let said = ''

const calls = () => system.api.calls
const spawn = (word: string): ChildProcess => {
  const child = system.spawn([word])
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (bytes: Buffer) => (said = `${said}${bytes.toString()}`.slice(-6000)))
  }
  return child
}
const online = () =>
  until('the runner', async () => (await calls().runners.list()).runners.some(({ state }) => state === 'online'))

beforeAll(async () => {
  if (missing) return
  const database = await testDatabase()
  undo.push(() => database.drop())
  engine = await startEngine()
  undo.push(() => engine.close())
  sshd = await createSshd()
  undo.push(() => sshd.close())
  await makeImage(engine.engine, 'localhost/shell:1', { programs: ['bash', 'curl', 'mktemp'] })
  const ulimits = Object.entries(engine.ulimits).map(([name, most]) => `${name}=${most}`)
  system = await startSystem(
    {
      DATABASE_URL: database.url,
      RUNYARD_CONTAINER_ENGINE: engine.socket,
      RUNYARD_CONTAINER_ULIMITS: ulimits.join(','),
      RUNYARD_RUNNER_SLOTS: '6',
    },
    { up: false },
  )
  undo.push(() => system.stop())
  system.up = spawn('server')
  await signIn(system)
  runner = spawn('runner')
  undo.push(async () => {
    runner.kill('SIGTERM')
    await exited(runner)
  })
  await online()
  const { address, port, user, auth, keys } = sshd.target
  const host = await calls().hosts.create({
    ...{ name: 'web1', address, port, user, auth, accept: keys.map(({ fingerprint }) => fingerprint) },
  })
  expect(host).toMatchObject({ state: 'ready', problem: null })
  await calls().images.put({ name: 'shell', reference: 'localhost/shell:1', pull: 'never', languages: ['bash'] })
}, 120_000)
afterAll(async () => {
  for (const step of undo.toReversed()) await step()
})

test.skipIf(missing)('the same command in a container and on a host: output, exit code, nothing left', async () => {
  const script = 'echo out; echo err >&2; test -e /.runyard && echo contained; exit 3'
  for (const [place, contained] of [
    [['--image', 'shell'], 'contained\n'],
    [['--host', 'web1'], ''],
  ] as const) {
    const { code, stdout, stderr } = await system.cli(['run', ...place, '--', 'sh', '-c', script])
    expect({ place, code, stdout, stderr }).toEqual({ place, code: 3, stdout: `out\n${contained}`, stderr: 'err\n' })
  }
  const { jobs } = await calls().jobs.list({})
  expect(
    jobs.map(({ executor, container, hosts, result }) => [executor, container?.image ?? hosts?.[0], result]),
  ).toEqual([
    ['ssh', 'web1', expect.objectContaining({ exit_code: 3, remaining_processes: 0 })],
    ['container', 'shell', expect.objectContaining({ exit_code: 3, remaining_processes: 0 })],
  ])
})

test.skipIf(missing)(
  'events go where they say or where their language has an image, with helpers and output',
  async () => {
    await calls().variables.put({ scope: 'user', name: 'TOKEN', secret: true, value: 'c4n4ry-elsewhere' })
    const script = `source runyard.sh
    test -e /.runyard && echo contained
    echo "input $(runyard_input) secret $TOKEN"
    runyard_set_variable "seen_$PLACE" yes
    runyard_output "{\\"from\\": \\"$PLACE\\"}" application/json`
    const run = async (name: string, job: object): Promise<{ run: EventRunDetail; log: string }> => {
      const definition = { kind: 'bash' as const, script, secrets: { TOKEN: 'TOKEN' }, env: { PLACE: name }, job }
      await calls().events.create({ name, status: 'active', definition })
      const { id } = await calls().events.run({ event: name, input: { a: 1 } })
      const run = await until(`the end of ${name}`, async () => {
        const found = (await calls().eventRuns.get({ id })) as EventRunDetail
        return found.settled_at !== null && found
      })
      return { run, log: (await logOf(system, run.job_id!)).toString() }
    }
    const [contained, remote] = await Promise.all([run('contained', {}), run('remote', { hosts: ['web1'] })])
    const said = (more: string): string => `${more}input {"a":1} secret ***\n`
    expect({ ...contained.run, log: contained.log }).toMatchObject({
      ...{ executor: 'container', image: 'shell', hosts: null, state: 'succeeded', log: said('contained\n') },
      output: { json: { from: 'contained' } },
    })
    expect({ ...remote.run, log: remote.log }).toMatchObject({
      ...{ executor: 'ssh', image: null, hosts: ['web1'], state: 'succeeded', log: said('') },
      output: { json: { from: 'remote' } },
    })
    for (const name of ['contained', 'remote']) {
      expect(await calls().variables.get({ scope: 'user', name: `seen_${name}` })).toMatchObject({ value: 'yes' })
    }
  },
)

test.skipIf(missing)('kill -9 of the runner: the next one goes on with both, log and exit code are whole', async () => {
  const count = 60
  const command = [
    'sh',
    '-c',
    `i=0; while [ $i -lt ${count} ]; do echo $i; echo e$i >&2; sleep 0.1; i=$((i+1)); done; exit 7`,
  ]
  const lines = (mark: string): string => Array.from({ length: count }, (_, i) => `${mark}${i}\n`).join('')
  const jobs = await Promise.all(
    [
      { executor: 'container', container: { image: 'shell' } },
      { executor: 'ssh', hosts: ['web1'] },
    ].map((place) => calls().jobs.submit({ command, ...(place as { executor: 'ssh' }) })),
  )
  for (const { id } of jobs) await until(`output of ${id}`, async () => (await logOf(system, id)).includes('3\n'))
  process.kill((await readFacts(system.dataDir, 'runner.json'))!.pid, 'SIGKILL')
  await exited(runner)
  runner = spawn('runner')
  for (const { id, executor } of jobs) {
    const job = await ended(system, id)
    const streams = await Promise.all([logOf(system, id, 'stdout'), logOf(system, id, 'stderr')])
    expect({ executor, attempts: job.last_attempt, result: job.result, streams: streams.map(String) }).toMatchObject({
      ...{ executor, attempts: 1, streams: [lines(''), lines('e')] },
      result: { exit_code: 7, error_class: 'exit', remaining_processes: 0 },
    })
  }
})

test.skipIf(missing)('cancelled there as here, and nothing of all that is left', async () => {
  const command = ['sh', '-c', 'trap "" TERM; sleep 300 & echo up; wait; sleep 300']
  const places = [
    { executor: 'container' as const, container: { image: 'shell' } },
    { executor: 'ssh' as const, hosts: ['web1'] },
  ]
  const jobs = await Promise.all(
    places.map((place) => calls().jobs.submit({ command, stop_grace_seconds: 0.2, ...place })),
  )
  for (const { id } of jobs) {
    await until(`output of ${id}`, async () => (await logOf(system, id)).includes('up'))
    await calls().jobs.cancel({ id })
    expect(await ended(system, id)).toMatchObject({ state: 'cancelled', result: { remaining_processes: 0 } })
  }
  await until('no container', async () => (await engine.engine.docker.listContainers({ all: true })).length === 0)
  const [one] = (await calls().runners.list()).runners
  expect(one?.executors).toEqual(expect.arrayContaining(['sandbox', 'container', 'ssh']))
  expect((await calls().images.list()).engines).toMatchObject([{ engine: 'podman', problem: null }])
  // What the runner itself said, when something above is not understood.
  expect(said).not.toMatch(/"level":"error"/)
})
