/**
 * `node bench/server.ts [jobs]`: the server's side alone. A real server and PostgreSQL of their own, and runners that
 * claim and finish at once without running anything: what a job costs in CPU of server and database, how many go
 * through, how fast submits are acknowledged. Each beside a control in the same run: rows inserted and committed one by
 * one, 20 at a time, through the same pool.
 *
 * `--profile` writes a CPU profile of the server into the current directory.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import http from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiClient } from '../src/api/client.ts'
import { startEmbedded } from '../src/db/embedded.ts'
import { openDb, type Db } from '../src/db/pool.ts'
import { encodeRecord } from '../src/logs/records.ts'
import { fakeRunner, type FakeRunner } from '../test/fake-runner.ts'
import { cpuOfTree, memoryOf, percentile, table, timed, type Figure } from './figures.ts'

const jobs = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 10_000)
const figures: Figure[] = []
const dir = await mkdtemp(join(tmpdir(), 'runyard-bench-'))
const embedded = await startEmbedded({ dataDir: dir, runDir: dir })
const db = openDb(embedded.url)
const server = await startServerProcess()
try {
  const control = await commits(db)
  figures.push({ name: 'control: rows inserted and committed, 20 at a time', value: control, unit: '/s' })
  const api = createApiClient({ baseUrl: server.url, token: server.token })
  const me = (await api.calls.users.list()).users[0]!.username
  await db.query('update users set max_running = 100000 where username = $1', [me])
  await api.calls.queues.put({ name: 'parked', paused: true } as never)
  const rest = await costOf(() => new Promise((resolve) => setTimeout(resolve, 5_000)))
  figures.push({ name: 'idle: CPU of the server for each second', value: rest.serverMs / rest.seconds, unit: 'ms' })
  figures.push({ name: 'idle: CPU of PostgreSQL for each second', value: rest.databaseMs / rest.seconds, unit: 'ms' })
  if (!process.argv.includes('--claims')) {
    await singleSubmits(control)
    await batchSubmits(control)
  }
  if (!process.argv.includes('--submits')) await throughEach('8 slots', 8, control)
  if (!process.argv.includes('--submits')) await throughEach('64 slots', 64, control)
} finally {
  await server.stop()
  await db.end()
  await embedded.stop()
  await rm(dir, { recursive: true, force: true })
}
console.log(`${cpus().length} cores, Node ${process.version}\n\n${table(figures)}`)

interface ServerProcess {
  url: string
  token: string
  socket: string
  pid: number
  stop(): Promise<void>
}

async function startServerProcess(): Promise<ServerProcess> {
  const dataDir = join(dir, 'data')
  const runDir = join(dir, 'run')
  const profile = process.argv.includes('--profile') ? ['--cpu-prof', `--cpu-prof-dir=${process.cwd()}`] : []
  const child = spawn(process.execPath, [...profile, join(import.meta.dirname, '../src/main.ts'), 'server', '--json'], {
    env: {
      PATH: process.env['PATH'],
      HOME: dir,
      RUNYARD_DATA_DIR: dataDir,
      RUNYARD_RUN_DIR: runDir,
      DATABASE_URL: embedded.url,
      RUNYARD_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { url } = JSON.parse(await firstDocument(child)) as { url: string }
  const token = (await readFile(join(dataDir, 'secrets/local.token'), 'utf8')).trim()
  return {
    url,
    token,
    socket: join(runDir, 'runner.sock'),
    pid: child.pid!,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function firstDocument(child: ChildProcess): Promise<string> {
  let said = ''
  for await (const part of child.stdout!) {
    said += String(part)
    try {
      JSON.parse(said)
      return said
    } catch {
      // More of it will come.
    }
  }
  throw new Error(`the server ended: ${said}`)
}

async function commits(on: Db): Promise<number> {
  await on.query('create table bench_control (id bigint generated always as identity primary key, words text)')
  const each = 200
  const lane = async (): Promise<void> => {
    for (let i = 0; i < each; i++) {
      await on.tx((tx) =>
        tx.query({ name: 'bench', text: 'insert into bench_control (words) values ($1)', values: ['x'.repeat(200)] }),
      )
    }
  }
  const seconds = await timed(() => Promise.all(Array.from({ length: 20 }, lane)))
  return (20 * each) / seconds
}

/** Without the client library: a plain keep-alive connection each, as curl or a program's own HTTP client. */
function post(agent: http.Agent, path: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    const request = http.request(`${server.url}/api/v1${path}`, { method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    request.on('error', reject)
    request.end(body)
  })
}

interface Cost {
  seconds: number
  serverMs: number
  databaseMs: number
  commits: number
}

async function commitsSoFar(): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    'select pg_stat_force_next_flush(), xact_commit::int as n from pg_stat_database where datname = current_database()',
  )
  return rows[0]!.n
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const commitsBefore = await commitsSoFar()
  const before = [await cpuOfTree(server.pid), await cpuOfTree(embedded.pid())]
  const seconds = await timed(work)
  const after = [await cpuOfTree(server.pid), await cpuOfTree(embedded.pid())]
  return {
    seconds,
    serverMs: after[0]! - before[0]!,
    databaseMs: after[1]! - before[1]!,
    commits: (await commitsSoFar()) - commitsBefore,
  }
}

function pushCost(name: string, count: number, cost: Cost, control: number): void {
  figures.push({
    name: `${name}`,
    value: count / cost.seconds,
    unit: '/s',
    control: { name: 'commits/s', value: control },
  })
  figures.push({ name: `  CPU of the server for each`, value: cost.serverMs / count, unit: 'ms' })
  figures.push({ name: `  CPU of PostgreSQL for each`, value: cost.databaseMs / count, unit: 'ms' })
  figures.push({ name: `  transactions for each`, value: cost.commits / count, unit: '' })
}

async function singleSubmits(control: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 })
  const body = JSON.stringify({ command: ['true'], queue: 'parked' })
  const each = 200
  const times: number[] = []
  const lane = async (): Promise<void> => {
    for (let i = 0; i < each; i++) {
      const begin = performance.now()
      const status = await post(agent, '/jobs', body)
      if (status > 202) throw new Error(`a submit was answered with ${status}`)
      times.push(performance.now() - begin)
    }
  }
  const cost = await costOf(() => Promise.all(Array.from({ length: 20 }, lane)))
  pushCost('submits acknowledged, single POST, 20 at a time', 20 * each, cost, control)
  figures.push({ name: '  p99', value: percentile(times, 0.99), unit: 'ms' })
  agent.destroy()
}

async function batchSubmits(control: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })
  const body = JSON.stringify({ jobs: Array.from({ length: 1000 }, () => ({ command: ['true'], queue: 'parked' })) })
  const batches = 20
  const cost = await costOf(async () => {
    for (let i = 0; i < batches; i++) {
      const status = await post(agent, '/jobs/bulk', body)
      if (status > 202) throw new Error(`a batch was answered with ${status}`)
    }
  })
  pushCost('jobs acknowledged, batches of 1,000, one at a time', batches * 1000, cost, control)
  agent.destroy()
}

async function submitMany(count: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true })
  await post(
    agent,
    '/jobs/bulk',
    JSON.stringify({ jobs: Array.from({ length: count }, () => ({ command: ['true'] })) }),
  )
  agent.destroy()
}

/** Claim, finish with an inline log, claim again: as the runner does with jobs that end at once. */
async function throughEach(name: string, slots: number, control: number): Promise<void> {
  await submitMany(500)
  await drive(await fakeRunner(server.socket, { name: `warm-${slots}`, slots }), slots, 500)
  const runner = await fakeRunner(server.socket, { name: `bench-${slots}`, slots })
  for (let i = 0; i < jobs; i += 1000) await submitMany(1000)
  const calls = { claims: 0, finishes: 0, empty: 0 }
  const beat = setInterval(() => void runner.rpc.heartbeat({ ...runner.who, held: runner.held }), 5_000)
  const cost = await costOf(() => drive(runner, slots, jobs, calls))
  clearInterval(beat)
  pushCost(`jobs claimed and finished, ${name}`, jobs, cost, control)
  figures.push({ name: '  jobs for each claim that got some', value: jobs / calls.claims, unit: '' })
  figures.push({ name: '  claims that got none', value: calls.empty, unit: '' })
  figures.push({ name: '  jobs for each finish', value: jobs / calls.finishes, unit: '' })
  figures.push({ name: '  memory of the server (RSS)', value: await memoryOf(server.pid), unit: 'MiB' })
  await runner.rpc.goodbye({ ...runner.who, state: 'offline' })
}

/**
 * Ends come a few ms after the claim and apart from each other, and what has ended by then goes into one call, while
 * another call asks for as many jobs as there are free slots.
 */
async function drive(
  runner: FakeRunner,
  slots: number,
  wanted: number,
  calls = { claims: 0, finishes: 0, empty: 0 },
): Promise<void> {
  const log = new Uint8Array(encodeRecord('stdout', Date.now(), Buffer.from('hello\n')))
  let finished = 0
  let over = false
  let ended: object[] = []
  let sending = false
  let wake = (): void => {}
  const send = async (): Promise<void> => {
    if (sending) return
    sending = true
    while (ended.length > 0) {
      const reports = ended
      ended = []
      const { results } = await runner.rpc.finish({ ...runner.who, reports: reports as never })
      if (results.some((result) => result !== 1)) throw new Error(`a finish was answered with ${results.join()}`)
      calls.finishes += 1
      finished += reports.length
      const tokens = new Set(reports.map((report) => (report as { ref: { token: string } }).ref.token))
      for (let i = runner.held.length - 1; i >= 0; i--) if (tokens.has(runner.held[i]!.token)) runner.held.splice(i, 1)
      wake()
    }
    sending = false
  }
  const end = (ref: unknown): void => {
    const now = new Date().toISOString()
    const outcome = {
      state: 'succeeded',
      exit_code: 0,
      started_at: now,
      ended_at: now,
      remaining_processes: 0,
      usage: { cpu_ms: 1, memory_peak_bytes: 1_000_000 },
      unenforced: [],
    }
    ended.push({ ref, outcomeJson: JSON.stringify(outcome), logLength: BigInt(log.length), log })
    void send()
  }
  while (finished < wanted) {
    const free = slots - runner.held.length
    if (free <= 0) {
      await new Promise<void>((resolve) => (wake = resolve))
      continue
    }
    const got = await runner.claim(free, 500)
    if (got.length > 0) calls.claims += 1
    else calls.empty += 1
    got.forEach(({ ref }, i) => setTimeout(() => end(ref), 2 + (i % 4)))
    over = got.length === 0
    if (over && runner.held.length === 0 && finished < wanted) throw new Error(`${finished} of ${wanted} came`)
  }
}
