/** A script beside the sources of the helpers, run as a runner would run it. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import { createFakeRunner, type FakeRunner } from './fake-runner.ts'
import { buildGo, scriptEnv, systemPath } from './languages.ts'

const here = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface ScriptBench {
  dir: string
  runner: FakeRunner
  /** `file`: its name, whose end says its language. */
  run(file: string, text: string, env?: Record<string, string>): Promise<Ended>
}

const commands: Record<string, (path: string) => string[]> = {
  sh: (path) => ['bash', path],
  py: (path) => ['python3', '-u', path],
  rb: (path) => ['ruby', path],
  go: (path) => [buildGo(path, `${path}.program`)],
  cjs: (path) => ['node', `${here}/js/run.cjs`, path],
  mjs: (path) => ['node', `${here}/js/run.cjs`, path],
}

/** For all tests of a file. */
export function scriptBench(): ScriptBench {
  const dir = join(tmpdir(), `ry-${randomBytes(6).toString('hex')}`)
  const runner = createFakeRunner(join(dir, 'socket'))
  beforeAll(async () => {
    mkdirSync(dir)
    symlinkSync(`${here}/js/modules`, join(dir, 'node_modules'))
    await runner.listen()
  })
  afterAll(async () => {
    await runner.close()
    rmSync(dir, { recursive: true })
  })
  return {
    dir,
    runner,
    run(file, text, env = {}) {
      const path = join(dir, file)
      writeFileSync(path, text)
      const kind = file.split('.').at(-1)!
      const [program, ...args] = commands[kind]!(path)
      const all = {
        ...scriptEnv(dir, runner.token),
        RUNYARD_DIR: dir,
        ...(kind === 'py' && { PATH: systemPath }),
        ...env,
      }
      const child = spawn(program!, args, { env: all, stdio: ['ignore', 'pipe', 'pipe'], timeout: 15_000 })
      const ended: Ended = { code: null, stdout: '', stderr: '' }
      child.stdout.on('data', (piece: Buffer) => (ended.stdout += piece.toString()))
      child.stderr.on('data', (piece: Buffer) => (ended.stderr += piece.toString()))
      return new Promise((resolve, reject) => {
        child.on('error', reject)
        child.on('close', (code) => resolve({ ...ended, code }))
      })
    },
  }
}
