/**
 * Runners on machines of their own: network namespaces with one cable to this host, where the server listens. Each has
 * its own data directory, and nothing of the server's.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeNetwork, networkMissing, type Machine } from '../chaos/fleet/network.ts'
import { processesUnder, signal } from '../chaos/host.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'
import { exited, readServerFile, signIn, startSystem, until, type System } from './system.ts'

const bin = fileURLToPath(new URL('../bin/runyard.js', import.meta.url))

function missing(): string | false {
  const reason = noSandbox || networkMissing() || false
  if (reason) process.stderr.write(`skipped: runners on other machines: ${reason}\n`)
  return reason
}
/** Why there can be none here, or false. */
export const noMachines = missing()

export interface RemoteRunner {
  process: ChildProcess
  /** What it said on stderr. */
  words(): string
  stop(): Promise<number | null>
  kill(): Promise<void>
}

export interface RemoteMachine {
  link: Machine
  dataDir: string
  /** Runs a command of the CLI there. */
  cli(args: string[], input?: string): Promise<{ code: number | null; stdout: string; stderr: string }>
  enrol(): Promise<void>
  runner(args?: string[]): RemoteRunner
}

export interface Site {
  system: System
  /** `host:port` as the machines dial it. */
  server: string
  machines: RemoteMachine[]
  /** Jobs write here that they live. */
  witness: string
  online(name: string): Promise<void>
  remove(): Promise<void>
}

/** A server on this host and machines around it; nothing runs there yet. */
export async function makeSite(names: string[], settings: Record<string, string>): Promise<Site> {
  const undo: (() => unknown)[] = []
  const remove = async (): Promise<void> => {
    for (const step of undo.toReversed()) await step()
  }
  try {
    const dir = mkdtempSync(join(tmpdir(), 'ry-site-'))
    chmodSync(dir, 0o711) // jobs run as other users and must pass
    undo.push(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }))
    const witness = join(dir, 'witness')
    mkdirSync(witness)
    chownSync(witness, 65_534, 65_534)
    const network = await makeNetwork(names)
    undo.push(() => network.remove())
    const host = network.machines[0]!.gate
    const common = { ...settings, ALLOWED_WORKDIRS: witness }
    const system = await startSystem({ ...common, RUNYARD_GRPC_HOST: host, RUNYARD_GRPC_PORT: '0' }, { up: false })
    const process_ = system.spawn(['server'])
    let words = ''
    process_.stderr!.on('data', (bytes: Buffer) => (words += bytes.toString()))
    undo.push(async () => {
      process_.kill('SIGTERM')
      await exited(process_)
      await system.stop()
    })
    await signIn(system)
    const made = await system.cli(['certs', 'init'])
    if (made.code !== 0) throw new Error(`${made.stderr}\n${words}`)
    const server = await until('the gRPC port', async () => {
      const { grpc } = (await readServerFile(system)) as { grpc?: string }
      return grpc
    })
    const machines = network.machines.map((link) => remoteMachine(link, { dir, server, system, common, undo }))
    return {
      ...{ system, server, machines, witness, remove },
      async online(name) {
        await until(`runner ${name}`, async () =>
          (await system.api.calls.runners.list()).runners.some((one) => one.name === name && one.state === 'online'),
        )
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

interface Around {
  dir: string
  server: string
  system: System
  common: Record<string, string>
  undo: (() => unknown)[]
}

function remoteMachine(link: Machine, { dir, server, system, common, undo }: Around): RemoteMachine {
  const home = join(dir, link.name)
  mkdirSync(home, { mode: 0o711 })
  const dataDir = join(home, 'data')
  const env = {
    ...{ PATH: process.env['PATH'], HOME: home, RUNYARD_DATA_DIR: dataDir, RUNYARD_RUN_DIR: join(home, 'run') },
    ...common,
  }
  const start = (args: string[]): ChildProcess => {
    const [enter = '', ...words] = link.enter
    return spawn(enter, [...words, process.execPath, bin, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  }
  // A launcher outlives its runner, and its jobs with it.
  undo.push(() =>
    until(`the end of all processes of ${link.name}`, async () => {
      const left = processesUnder(home)
      for (const id of left) signal(id, 'SIGKILL')
      return left.length === 0
    }),
  )
  return {
    link,
    dataDir,
    async cli(args, input = '') {
      const child = start(args)
      const said = { stdout: '', stderr: '' }
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream]!.on('data', (bytes: Buffer) => (said[stream] += bytes.toString()))
      }
      child.stdin!.end(input)
      await new Promise((resolve) => child.once('close', resolve))
      return { code: child.exitCode, ...said }
    },
    async enrol() {
      const token = await system.cli(['runner', 'token', link.name, '--servers', server])
      if (token.code !== 0) throw new Error(token.stderr)
      const enrolled = await this.cli(['runner', 'enrol', '-'], token.stdout)
      if (enrolled.code !== 0) throw new Error(enrolled.stderr)
    },
    runner(args = []) {
      const child = start(['runner', ...args])
      let words = ''
      child.stdout!.resume()
      child.stderr!.on('data', (bytes: Buffer) => (words += bytes.toString()))
      undo.push(() => child.kill('SIGKILL'))
      const end = async (name: NodeJS.Signals): Promise<number | null> => {
        child.kill(name)
        return exited(child)
      }
      return {
        process: child,
        words: () => words,
        stop: () => end('SIGTERM'),
        kill: async () => void (await end('SIGKILL')),
      }
    },
  }
}

export interface Beat {
  attempt: number
  /** Milliseconds of this host's clock, which all machines share. */
  at: number
}

/** What jobs with this tag have written so far. */
export function beatsOf(site: Site, tag: string): Beat[] {
  const file = join(site.witness, tag)
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => {
    const [attempt, at] = line.split(' ')
    return { attempt: Number(attempt), at: Number(at) / 1e6 }
  })
}

/** How long, in seconds. */
interface Beating {
  first: number
  /** Every later attempt, which prints `again`: what it shows needs no such length. */
  again?: number
}

/** Beats ten times a second into the witness directory and prints each beat; ends with `code`. */
export const beating = (tag: string, { first, again = first }: Beating, code = 0): string[] => [
  'bash',
  '-c',
  `n=${first * 10} word=beat; [ $RUNYARD_ATTEMPT = 1 ] || n=${again * 10} word=again
for i in $(seq $n); do echo $RUNYARD_ATTEMPT $(date +%s%N) >> ${tag}; echo $word $i; sleep 0.1; done; exit ${code}`,
]

export const beatsPrinted = (seconds: number, word = 'beat'): string =>
  Array.from({ length: seconds * 10 }, (_, i) => `${word} ${i + 1}\n`).join('')
