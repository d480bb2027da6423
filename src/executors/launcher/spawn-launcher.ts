/** Starts the launcher process, detached from everything of the runner's. */
import { spawn } from 'node:child_process'
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../lib/app-error.ts'
import { cgroupMounts } from '../cgroup/mounts.ts'
import { ownScopeEnv } from './delegated-cgroup.ts'
import { withClientFlag, type Program } from './instance.ts'

/** `main.ts` in the source tree, `launcher.js` beside the bundle in the packed package. */
function entry({ name }: Program): string {
  const source = fileURLToPath(new URL(`../${name}/main.ts`, import.meta.url))
  return existsSync(source) ? source : fileURLToPath(new URL(`./${name}.js`, import.meta.url))
}

export function spawnLauncher(program: Program, socketPath: string, withClient: boolean): void {
  const dir = dirname(socketPath)
  // A small heap; a young generation large enough for a burst of jobs not to be collected all the time.
  const node = [node24(), `--max-old-space-size=${program.heap}`, '--max-semi-space-size=4', '--no-warnings']
  const command = [...node, entry(program), socketPath, ...(withClient ? [withClientFlag] : [])]
  const scope = program.name === 'launcher' ? scopeCommand() : []
  const log = openLog(dir, program.logName)
  try {
    const [file, ...args] = [...scope, ...command]
    const child = spawn(file ?? '', args, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
      env: {
        PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
        // Where the homes of jobs without isolation are.
        TMPDIR: tmpdir(),
        // Without it the source tree's types are stripped anew, which costs the launcher 40 MB for ever.
        NODE_COMPILE_CACHE: join(dir, program.codeCacheName),
        ...(scope.length > 0 ? { [ownScopeEnv]: '1', XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR } : {}),
      },
    })
    child.once('error', () => {}) // the caller sees that nobody listens
    child.unref()
  } finally {
    closeSync(log)
  }
}

/** The library may be in a program that an older Node runs; the package has its own (docs/decisions/005). */
function node24(): string {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  try {
    const file = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node')
    if (existsSync(file)) return file
  } catch {
    // Installed without it.
  }
  const how = 'run `npm ci` without --ignore-scripts, or use Node 24'
  throw new AppError('failed_precondition', `this is Node ${process.versions.node}, and Runyard needs 24: ${how}`)
}

/** A predecessor that is leaving may take the empty directory away between the two steps. */
function openLog(dir: string, logName: string): number {
  for (let tries = 0; ; tries++) {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    try {
      return openSync(join(dir, logName), 'a', 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 3) throw error
    }
  }
}

/** Without root, cgroup v2 is to be had only inside a tree that systemd delegated to us. */
function scopeCommand(): string[] {
  const mounts = cgroupMounts()
  const runtimeDir = process.env.XDG_RUNTIME_DIR
  if (process.getuid?.() === 0 || mounts.v1.size > 0 || !mounts.v2 || !runtimeDir) return []
  if (!existsSync(join(runtimeDir, 'systemd', 'private')) || !onPath('systemd-run')) return []
  return ['systemd-run', '--user', '--scope', '--quiet', '--collect', '--property=Delegate=yes', '--']
}

export function onPath(program: string): string | null {
  for (const dir of (process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(delimiter)) {
    try {
      accessSync(join(dir, program), constants.X_OK)
      return join(dir, program)
    } catch {
      // Not in this one.
    }
  }
  return null
}
