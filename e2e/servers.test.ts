/**
 * Two servers on one PostgreSQL and a runner that knows both. The one it speaks to is killed while a job prints: the job
 * goes on, and whoever reads its log, at whichever server, gets every byte once.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { processesUnder, signal } from '../chaos/host.ts'
import type { Db } from '../src/db/pool.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'
import { testDatabase } from '../test/database.ts'
import { ended, exited, freePort, logOf, readServerFile, signIn, startSystem, until, type System } from './system.ts'

interface OneServer {
  system: System
  grpc: string
  process: ChildProcess
}

const servers: OneServer[] = []
const undo: (() => unknown)[] = []
const words: string[] = []
let home: string
/** Jobs see it as it is here. */
let shared: string
let db: Db

async function startOne(system: System, first: boolean): Promise<OneServer> {
  const child = system.spawn(['server'])
  child.stderr!.on('data', (bytes: Buffer) => words.push(bytes.toString()))
  undo.push(async () => {
    child.kill('SIGKILL')
    await exited(child)
  })
  await signIn(system)
  if (first) expect(await system.cli(['certs', 'init'])).toMatchObject({ code: 0 })
  const grpc = await until('the gRPC port', async () => ((await readServerFile(system)) as { grpc?: string }).grpc)
  return { system, grpc, process: child }
}

beforeAll(async () => {
  if (noSandbox) return
  const database = await testDatabase()
  ;({ db } = database)
  undo.push(() => database.drop())
  home = mkdtempSync(join(tmpdir(), 'ry-servers-'))
  undo.push(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  chmodSync(home, 0o711) // jobs run as other users and must pass
  shared = join(home, 'shared')
  mkdirSync(shared)
  chownSync(shared, 65_534, 65_534)
  const common = {
    ALLOWED_WORKDIRS: shared,
    DATABASE_URL: database.url,
    RUNYARD_SECRET_KEY: randomBytes(32).toString('base64'),
    RUNYARD_JWT_SECRET: randomBytes(32).toString('base64'),
  }
  for (const first of [true, false]) {
    // The same after a restart: the runner knows these two places.
    const port = String(await freePort())
    const system = await startSystem({ ...common, RUNYARD_GRPC_PORT: port }, { up: false })
    undo.push(() => system.stop())
    servers.push(await startOne(system, first))
  }
  const list = servers.map(({ grpc }) => grpc).join(',')
  const runner = servers[1]!.system
  const place = {
    ...{ RUNYARD_DATA_DIR: join(home, 'data'), RUNYARD_RUN_DIR: join(home, 'run'), HOME: home },
    ALLOWED_WORKDIRS: shared,
  }
  const { stdout: token } = await runner.cli(['runner', 'token', 'far', '--servers', list])
  const enrolling = runner.spawn(['runner', 'enrol', token.trim()], place)
  expect(await exited(enrolling)).toBe(0)
  const child = runner.spawn(['runner'], place)
  child.stderr!.on('data', (bytes: Buffer) => words.push(bytes.toString()))
  undo.push(() =>
    until('the end of the runner', async () => {
      child.kill('SIGKILL')
      const left = processesUnder(home)
      for (const id of left) signal(id, 'SIGKILL')
      return left.length === 0 && child.exitCode === null ? child.signalCode !== null : left.length === 0
    }),
  )
  await until('the runner', async () => {
    const { runners } = await runner.api.calls.runners.list()
    return runners.some(({ name, state }) => name === 'far' && state === 'online')
  })
})
afterAll(async () => {
  for (const step of undo.toReversed()) await step()
})

/** Follows to the end of the job, over reconnects. */
async function followed(system: System, jobId: string): Promise<string> {
  let text = ''
  for await (const event of system.api.followLog({ jobId })) {
    if (event.type === 'end') return text
    if (event.stream === 'mark') continue
    if (event.offset !== text.length) throw new Error(`at ${text.length} came a byte of ${event.offset}`)
    text += event.bytes.toString('latin1')
  }
  throw new Error('no end')
}

/** The server that has the log of a job's attempt, and the other one. */
async function holderFirst(id: string): Promise<{ a: OneServer; b: OneServer }> {
  const name = await until('a server with the log', async () => {
    const { rows } = await db.query<{ name: string }>(
      `select s.name from jobs j join attempts a on a.job_id = j.id join servers s on s.id = a.log_server
       where j.public_id = $1`,
      [id],
    )
    return rows[0]?.name
  })
  const names = servers.map(({ system }) => readFileSync(join(system.dataDir, 'server-name'), 'utf8').trim())
  const [a, b] = [names.indexOf(name), 1 - names.indexOf(name)].map((nr) => servers[nr]!) as [OneServer, OneServer]
  return { a, b }
}

const prints = async (system: System, id: string): Promise<boolean> =>
  (await logOf(system, id)).toString().split('\n').length > 5

test.skipIf(noSandbox)(
  'the server that has the log is killed: its follower at the other one misses nothing',
  async () => {
    const seconds = 12
    const command = ['bash', '-c', `for i in $(seq ${seconds * 20}); do echo line $i; sleep 0.05; done; exit 4`]
    const printed = Array.from({ length: seconds * 20 }, (_, i) => `line ${i + 1}\n`).join('')
    const { id } = await servers[0]!.system.api.calls.jobs.submit({ command })
    const { a, b } = await holderFirst(id)
    await until('output at both', async () => (await prints(a.system, id)) && (await prints(b.system, id)), 30_000)
    const followers = [followed(a.system, id), followed(b.system, id)]
    for (const follower of followers) follower.catch(() => {}) // looked at below
    a.process.kill('SIGKILL')
    await exited(a.process)
    expect(await followers[1], words.join('').slice(-4000)).toBe(printed)
    expect(await ended(b.system, id)).toMatchObject({ state: 'failed', result: { exit_code: 4 } })
    expect((await logOf(b.system, id)).toString()).toBe(printed)
    servers[servers.indexOf(a)] = await startOne(a.system, false)
    expect((await logOf(a.system, id)).toString()).toBe(printed)
    // The client of the killed one came back to it by itself, at its byte.
    expect(await followers[0]).toBe(printed)
  },
  180_000,
)

test.skipIf(noSandbox)(
  'a job that is silent when its server is killed: what it had printed is there all the same',
  async () => {
    const gate = `for i in $(seq 2000); do echo line $i; done; until [ -e go ]; do sleep 0.1; done; echo end`
    const command = ['bash', '-c', gate]
    const printed = `${Array.from({ length: 2000 }, (_, i) => `line ${i + 1}\n`).join('')}end\n`
    const { id } = await servers[0]!.system.api.calls.jobs.submit({ command, working_dir: shared })
    const { a, b } = await holderFirst(id)
    await until('its output', async () => (await logOf(b.system, id)).length === printed.length - 4, 30_000)
    const follower = followed(b.system, id)
    follower.catch(() => {}) // looked at below
    a.process.kill('SIGKILL')
    await exited(a.process)
    // Before it prints again.
    await until(
      'its output at the other',
      async () => (await logOf(b.system, id)).length === printed.length - 4,
      60_000,
    )
    expect(await b.system.api.calls.jobs.get({ id })).toMatchObject({ ended_at: null })
    writeFileSync(join(shared, 'go'), '')
    expect(await follower).toBe(printed)
    expect(await ended(b.system, id)).toMatchObject({ state: 'succeeded' })
  },
  180_000,
)
