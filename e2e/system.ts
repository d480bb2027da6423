/** A real Runyard for a test: `runyard up` from this checkout in its own data directory, driven from outside. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createApiClient, type ApiClient } from '../src/api/client.ts'
import type { Job } from '../src/api/contract/index.ts'

const bin = fileURLToPath(new URL('../bin/runyard.js', import.meta.url))
const node = process.execPath

export interface System {
  dataDir: string
  url: string
  token: string
  api: ApiClient
  env: NodeJS.ProcessEnv
  /** Runs a command of the CLI to its end. */
  cli(
    args: string[],
    input?: { signal?: AbortSignal },
  ): Promise<{ code: number | null; stdout: string; stderr: string }>
  /** Starts one more Runyard process (`server`, `runner`) with this system's settings. */
  spawn(args: string[], env?: NodeJS.ProcessEnv): ChildProcess
  /** Stops the `up` process in order and removes the data directory. */
  stop(): Promise<void>
  up: ChildProcess | null
  /** Starts `up` again after it ended, with the same data. */
  start(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Waits until `probe` gives a value; the only way these tests wait. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | null | undefined | false>,
  ms = 20_000,
): Promise<T> {
  const end = performance.now() + ms
  for (;;) {
    const value = await probe().catch(() => null)
    if (value !== null && value !== undefined && value !== false) return value
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export const exited = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise((resolve) => child.once('exit', (code) => resolve(code)))

/** `up: false` makes only the directory and the settings; the test starts what it needs with `spawn`. */
export async function startSystem(
  settings: Record<string, string> = {},
  options: { up?: boolean } = {},
): Promise<System> {
  const dataDir = await mkdtemp(join(tmpdir(), 'runyard-e2e-'))
  const port = await freePort()
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: dataDir,
    RUNYARD_DATA_DIR: dataDir,
    RUNYARD_PORT: String(port),
    RUNYARD_GRPC_PORT: '0',
    RUNYARD_ADMIN_PASSWORD: 'correct horse battery',
    ...settings,
  }
  const url = `http://127.0.0.1:${port}`
  const spawnOne = (args: string[], extra: NodeJS.ProcessEnv = {}): ChildProcess => {
    const child = spawn(node, [bin, ...args], { env: { ...env, ...extra }, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.resume()
    child.stderr.resume()
    return child
  }
  const system: System = {
    dataDir,
    url,
    env,
    token: '',
    api: createApiClient({ baseUrl: url }),
    up: null,
    spawn: spawnOne,
    cli: (args, input) => runCli(args, env, input?.signal),
    async start() {
      const child = spawnOne(['up'])
      let printed = ''
      child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
      child.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
      system.up = child
      await until(
        'the server',
        async () => {
          if (child.exitCode !== null) throw new Error(`up ended with ${child.exitCode}:\n${printed}`)
          return (await fetch(`${url}/api/v1/ready`)).ok
        },
        60_000,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${printed}`)
      })
      await signIn(system)
    },
    async stop() {
      if (system.up !== null && system.up.exitCode === null) {
        system.up.kill('SIGTERM')
        await exited(system.up)
      }
      // A process that is just ending writes its compile cache there, after its sockets are closed.
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
  if (options.up !== false) await system.start()
  return system
}

export async function signIn(system: System): Promise<void> {
  const grant = await until('a sign-in', () => system.api.passwordGrant('admin', 'correct horse battery'), 60_000)
  system.token = grant.access_token
  system.api = createApiClient({ baseUrl: system.url, token: system.token })
}

export async function ended(system: System, id: string, ms = 60_000): Promise<Job> {
  return until(
    `the end of job ${id}`,
    async () => {
      const job = (await system.api.calls.jobs.get({ id })) as Job
      return job.ended_at !== null && job
    },
    ms,
  )
}

export async function logOf(system: System, id: string, stream: 'stdout' | 'stderr' | 'all' = 'all'): Promise<Buffer> {
  const response = await fetch(`${system.url}/api/v1/jobs/${id}/logs?stream=${stream}`, {
    headers: { authorization: `Bearer ${system.token}` },
  })
  if (!response.ok) throw new Error(`log of ${id}: ${response.status} ${await response.text()}`)
  return Buffer.from(await response.arrayBuffer())
}

function runCli(args: string[], env: NodeJS.ProcessEnv, signal?: AbortSignal) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(node, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], signal })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.once('error', reject)
    child.once('close', (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    )
  })
}

/** What the embedded parts left in the data directory, for tests that look for leftovers. */
export const readServerFile = async (system: System): Promise<{ pid: number; url: string }> =>
  JSON.parse(await readFile(join(system.dataDir, 'server.json'), 'utf8')) as { pid: number; url: string }
