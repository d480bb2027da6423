/**
 * A Runyard whose parts stand apart, so that each can be killed, stopped or filled by itself: a server, a runner, and
 * when asked for a PostgreSQL of our own. The scenarios beside this file are short in `npm test` and long in `chaos/`.
 */
import assert from 'node:assert/strict'
import { type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readFacts, writeFacts } from '../../src/cli/instance/files.ts'
import { exited, signIn, startSystem, until, type System } from '../system.ts'
import { startPostgres, type OwnPostgres } from './postgres.ts'
import { makeWitness, type Witness } from './witness.ts'

/** Lease and grace of three seconds: a keeper's bound of five. For those whose lease is meant to run out. */
export const short = { RUNYARD_HEARTBEAT_SECONDS: '1', RUNYARD_LEASE_SECONDS: '3', RUNYARD_GRACE_SECONDS: '3' }

/** For those who must not lose theirs on a busy host, and yet stand still for a part of it. */
export const medium = { RUNYARD_HEARTBEAT_SECONDS: '2', RUNYARD_LEASE_SECONDS: '6', RUNYARD_GRACE_SECONDS: '6' }

/** What a server has that nobody configured. */
export const defaults = { RUNYARD_HEARTBEAT_SECONDS: '10', RUNYARD_LEASE_SECONDS: '30', RUNYARD_GRACE_SECONDS: '30' }

export interface RigOptions {
  /** Over `defaults`. */
  settings?: Record<string, string>
  /** A PostgreSQL that this rig starts and stops; else the server brings its embedded one. */
  ownPostgres?: { preload?: Record<string, string> }
  /** Environment of the one process. */
  serverEnv?: NodeJS.ProcessEnv
  runnerEnv?: NodeJS.ProcessEnv
  /** Before anything starts, e.g. to mount something below the data directory. */
  prepare?(dataDir: string): Promise<void>
  /** After everything has stopped, before the directory is removed. */
  cleanUp?(dataDir: string): Promise<void>
}

export interface Rig {
  system: System
  witness: Witness
  postgres: OwnPostgres | undefined
  startServer(): Promise<void>
  startRunner(): void
  /** A second one as on another host: own directories, own launcher, the same server. */
  startRunnerElsewhere(): Promise<void>
  /** Signals and waits; the exit code. */
  stopServer(signal?: NodeJS.Signals): Promise<number | null>
  stopRunner(signal?: NodeJS.Signals): Promise<number | null>
  serverPid(): Promise<number>
  runnerPid(): Promise<number>
  launcherPid(): number
  /** Everything that the server and the runner have printed, for the one who reads a failure. */
  said(): string
  submit(spec: Record<string, unknown>): Promise<string>
  /** The administrator's token, good for a long time whatever the clocks do. */
  localToken(): Promise<string>
}

export async function withRig<T>(options: RigOptions, work: (rig: Rig) => Promise<T>): Promise<T> {
  const rig = await openRig(options)
  try {
    return await work(rig.rig)
  } catch (error) {
    throw new Error(`${(error as Error).stack}\n--- what the processes said ---\n${rig.rig.said().slice(-6000)}`, {
      cause: error,
    })
  } finally {
    await rig.close()
  }
}

async function openRig(options: RigOptions): Promise<{ rig: Rig; close(): Promise<void> }> {
  const witness = await makeWitness()
  const system = await startSystem(
    { ...defaults, RUNYARD_RUNNER_SLOTS: '8', ALLOWED_WORKDIRS: witness.dir, ...options.settings },
    { up: false },
  )
  const runDir = join(system.dataDir, 'run')
  system.env['RUNYARD_RUN_DIR'] = runDir
  await options.prepare?.(system.dataDir)
  let postgres: OwnPostgres | undefined
  let server: ChildProcess | undefined
  let runner: ChildProcess | undefined
  let elsewhere: { child: ChildProcess; dir: string } | undefined
  let said = ''
  const listen = (child: ChildProcess, who: string): ChildProcess => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes: Buffer) => (said = `${said}${who}: ${bytes.toString()}`.slice(-200_000)))
    }
    return child
  }
  const serverPid = async (): Promise<number> =>
    (JSON.parse(await readFile(join(system.dataDir, 'server.json'), 'utf8')) as { pid: number }).pid
  const runnerPid = async (): Promise<number> => {
    const facts = await readFacts(system.dataDir, 'runner.json')
    assert(facts, 'there is no runner.json')
    return facts.pid
  }
  const stop = async (child: ChildProcess | undefined, pid: () => Promise<number>, signal: NodeJS.Signals) => {
    assert(child, 'it was never started')
    if (child.exitCode === null && child.signalCode === null) process.kill(await pid(), signal)
    return exited(child)
  }
  const rig: Rig = {
    system,
    witness,
    get postgres() {
      return postgres
    },
    async startServer() {
      const database: NodeJS.ProcessEnv = postgres === undefined ? {} : { DATABASE_URL: postgres.url }
      const started = listen(system.spawn(['server'], { ...database, ...options.serverEnv }), 'server')
      server = started
      await until(
        'the server',
        async () => {
          if (started.exitCode !== null) throw new Error(`the server ended with ${started.exitCode}`)
          return (await serverPid()) === started.pid && (await fetch(`${system.url}/api/v1/ready`)).ok
        },
        60_000,
      )
      await signIn(system)
    },
    startRunner: () => void (runner = listen(system.spawn(['runner'], options.runnerEnv), 'runner')),
    async startRunnerElsewhere() {
      const dir = await mkdtemp(join(tmpdir(), 'runyard-elsewhere-'))
      const facts = await readFacts(system.dataDir, 'instance.json')
      await writeFacts(dir, 'instance.json', facts!)
      const env = { RUNYARD_DATA_DIR: dir, RUNYARD_RUN_DIR: join(dir, 'run'), RUNYARD_RUNNER_NAME: 'elsewhere' }
      elsewhere = { child: listen(system.spawn(['runner'], env), 'elsewhere'), dir }
    },
    stopServer: (signal = 'SIGTERM') => stop(server, serverPid, signal),
    stopRunner: (signal = 'SIGTERM') => stop(runner, runnerPid, signal),
    serverPid,
    runnerPid,
    launcherPid: () => launcherOf(join(runDir, 'launcher.sock')),
    said: () => said,
    submit: async (spec) => ((await system.api.calls.jobs.submit(spec as never)) as { id: string }).id,
    localToken: async () => (await readFile(join(system.dataDir, 'secrets', 'local.token'), 'utf8')).trim(),
  }

  const end = async (child: ChildProcess | undefined): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGCONT')
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 40_000)
    await exited(child)
    clearTimeout(late)
  }
  const close = async (): Promise<void> => {
    await end(elsewhere?.child)
    await end(runner)
    if (elsewhere) await rm(elsewhere.dir, { recursive: true, force: true })
    await end(server)
    await postgres?.close()
    await options.cleanUp?.(system.dataDir)
    await system.stop()
    await witness.remove()
  }

  try {
    if (options.ownPostgres) postgres = await startPostgres(options.ownPostgres)
    await rig.startServer()
    rig.startRunner()
    await until('the runner', async () => {
      const { runners } = await system.api.calls.runners.list()
      return runners.some(({ state }) => state === 'online')
    })
    return { rig, close }
  } catch (error) {
    await close()
    throw new Error(`${(error as Error).message}\n${said.slice(-4000)}`, { cause: error })
  }
}

/** Found by its command line: which program it is does not matter. */
function launcherOf(socketPath: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      if (words.includes(socketPath) && !words.includes('sh')) return Number(name)
    } catch {
      // Gone meanwhile.
    }
  }
  throw new Error(`no launcher has ${socketPath}`)
}
