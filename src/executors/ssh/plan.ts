/** An order and what a host can do → how it runs there, or why it does not. */
import { helpersPlace } from '../../job/helper-places.ts'
import { artifactsPlace } from '../../job/artifacts.ts'
import type { Limits } from '../../job/spec.ts'
import { StartRefused, type AttemptOrder } from '../executor.ts'
import { leavesFiles } from '../sandbox/pickup.ts'
import type { Hello } from './ear.ts'
import { keyPattern } from './hosts.ts'
import { limitsText, unsettable } from './remote.ts'

export interface HostPlan {
  limits: string
  command: string[]
  /** `withSocket`: false where the host forwards none; helpers then speak through files. */
  env(withSocket: boolean): Record<string, string>
  /** What comes behind the PATH that it has there. */
  pathTail?: string
  unenforced: string[]
  leaves: boolean
  /** Of `RUNYARD_OUTPUT`, there. */
  output: string | null
}

const needed = ['tar', 'mkfifo', 'tail', 'head']
/** Beyond the limit of a job's log nobody reads it; this much may be on its way. */
const spoolRoom = 16 * 1024 * 1024
const usualSpool = 1024 * 1024 * 1024

/** Throws StartRefused. */
export function planOf(order: AttemptOrder, host: string, hello: Hello, tag: string): HostPlan {
  const { key, spec, limits } = order
  const dir = `${hello.root}/${key}`
  if (!keyPattern.test(key)) throw new StartRefused('infrastructure', `${key} is no key of an attempt`)
  const missing = needed.filter((tool) => !hello.tools.includes(tool))
  if (missing.length > 0)
    throw new StartRefused('refused', `host ${host} has no ${missing.join(', ')}: install it there`)
  const reserved = unsettable({ ...order.env, ...order.secretEnv })
  if (reserved !== undefined)
    throw new StartRefused('start', `the variable ${reserved} cannot be set on a host: shells keep it for themselves`)
  const { unenforced, openFiles } = heldOf(order, host, hello)
  const output = spec.outputs ? `${dir}/output/values` : null
  const hasPath = (order.env.PATH ?? order.secretEnv.PATH) !== undefined
  const tail = order.helpersDir === undefined ? undefined : `${dir}/runyard/lib/bash`
  const there = (text: string): string => placedAt(dir, order, text)
  return {
    limits: limitsText({
      hello,
      cwd: spec.working_dir ?? `${dir}/home`,
      cpu: limits.cpu,
      memoryBytes: limits.memory_bytes,
      pids: limits.pids,
      openFiles,
      spoolBytes: (limits.output_bytes ?? usualSpool) + spoolRoom,
    }),
    command: spec.command.map(there),
    env(withSocket) {
      const own = { ...order.env, ...order.secretEnv }
      const env: Record<string, string> = {}
      for (const [name, value] of Object.entries(own)) {
        if (!withSocket && (name === 'RUNYARD_SOCKET' || name === 'CRONIUM_RUNTIME_API')) continue
        env[name] = ours.has(name) ? there(value) : value
      }
      if (output !== null) env.RUNYARD_OUTPUT = output
      if (hasPath && tail !== undefined) env.PATH = `${env.PATH}:${tail}`
      // What is looked for when it is killed: children have it too, wherever they hang.
      env.RUNYARD_MARK = `${tag}.${key}.`
      return env
    },
    ...(tail !== undefined && !hasPath && { pathTail: tail }),
    unenforced,
    leaves: leavesFiles(spec),
    output,
  }
}

/** Variables in which a place of ours is named, as it is in a sandbox. */
const ours = new Set([
  ...['RUNYARD_DIR', 'RUNYARD_SOCKET', 'CRONIUM_RUNTIME_API', 'RUNYARD_ARTIFACTS'],
  ...['NODE_PATH', 'PYTHONPATH', 'RUBYLIB', 'PATH'],
])

/** `/runyard` and `/artifacts` are in the attempt's directory there. */
function placedAt(dir: string, { helpersDir, artifactsDir }: AttemptOrder, text: string): string {
  let placed = text
  const move = (place: string, to: string): void => {
    placed = placed.replaceAll(new RegExp(`(^|:|//)${place}(?=/|:|$)`, 'g'), (_, before: string) => `${before}${to}`)
  }
  if (helpersDir !== undefined) move(helpersPlace, `${dir}/runyard`)
  if (artifactsDir !== undefined) move(artifactsPlace, `${dir}/artifacts`)
  return placed
}

function heldOf({ limits, named }: AttemptOrder, host: string, hello: Hello) {
  const unenforced: string[] = []
  const notHeld = (name: keyof Limits, why: string): void => {
    if (named.includes(name)) throw new StartRefused('refused', `host ${host} cannot hold limits.${name}: ${why}`)
    unenforced.push(name)
  }
  const controllers = { cpu: 'cpu', memory_bytes: 'memory', pids: 'pids' } as const
  for (const [name, controller] of Object.entries(controllers)) {
    if (hello.held.includes(controller)) continue
    notHeld(name as keyof Limits, 'its user may make no cgroup there (root may, and a user with a systemd session)')
  }
  if (limits.open_files > hello.files && named.includes('open_files'))
    notHeld('open_files', `its user may open at most ${hello.files} files (ulimit -Hn)`)
  notHeld('disk_bytes', 'it has no private disk')
  if (limits.io_bytes_per_second !== undefined) notHeld('io_bytes_per_second', 'nothing there measures one job')
  return { unenforced, openFiles: Math.min(limits.open_files, hello.files) }
}
