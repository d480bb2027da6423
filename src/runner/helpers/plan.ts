/** What a script gets beside itself: its place, its token, and the environment in which its language finds the helpers. */
import { realpathSync } from 'node:fs'
import type { ScriptKind } from '../../job/event.ts'
import { executorKinds } from '../../job/spec.ts'
import { helperFiles, helpersPlace } from '../../job/helper-places.ts'
import type { Assignment } from '../control-plane.ts'
import { newAccess, type HelperAccess } from './access.ts'

export interface HelperPlan {
  /** Of this host. */
  dir: string
  /** Where the script finds it: at `/runyard`, or where it is. A driver that shows it elsewhere says so to the script. */
  place: string
  access: HelperAccess
  script?: { file: string; kind: ScriptKind; text: string }
  /** Masked in what it says. */
  secrets: string[]
  /** A Node program of this host, in case the sandbox has none. */
  node?: string
}

/** Undefined: the job has no helpers. */
export function planHelpers(assignment: Assignment, newDir: () => string): HelperPlan | undefined {
  const { spec, script, secretEnv } = assignment
  if (!runsScripts(spec.executor) || (spec.helpers !== true && spec.event === undefined)) return undefined
  const access = newAccess()
  const dir = newDir()
  return {
    dir,
    place: spec.isolation === 'none' ? dir : helpersPlace,
    access,
    ...(script && { script: { ...script, file: fileOf(script) } }),
    secrets: [...Object.values(secretEnv), access.token],
    // Of this host, so of no use to another one, nor in an image with another libc.
    ...(script?.kind === 'node' && spec.executor === 'sandbox' && { node: realpathSync(process.execPath) }),
  }
}

const runsScripts = (executor: string): boolean => (executorKinds as readonly string[]).includes(executor)

const fileOf = ({ kind, text }: { kind: ScriptKind; text: string }): string => {
  if (kind === 'bash') return 'script.sh'
  if (kind === 'python') return 'script.py'
  return isModule(text) ? 'script.mjs' : 'script.cjs'
}

/** `import x from` or `export` at the beginning of a line; `import(…)` works in both. */
const isModule = (text: string): boolean => /^\s*(?:import\s*(?:["'{*]|[\w$]+\s*(?:,|from\b))|export\b)/m.test(text)

/** Of a plan with a script. */
export function commandOf({ script, place }: HelperPlan): string[] {
  const { kind, file } = script!
  if (kind === 'bash') return ['bash', `${place}/${file}`]
  if (kind === 'python') return ['python3', '-u', `${place}/${file}`]
  return ['node', `${place}/lib/js/run.cjs`, `${place}/${file}`]
}

/** Ours come behind what the job has itself. */
export function helperEnv({ place }: HelperPlan, { spec, env, jobId }: Assignment): Record<string, string> {
  const socket = `${place}/${helperFiles.socket}`
  const runId = spec.event?.run_id
  const behind = (name: string, path: string): Record<string, string> => ({
    [name]: [env[name], `${place}/${path}`].filter(Boolean).join(':'),
  })
  return {
    RUNYARD_DIR: place,
    RUNYARD_SOCKET: socket,
    CRONIUM_RUNTIME_API: `unix://${socket}`,
    CRONIUM_EXECUTION_ID: runId ?? jobId,
    ...(runId === undefined ? {} : { RUNYARD_RUN_ID: runId }),
    ...behind('NODE_PATH', 'lib/js/modules'),
    ...behind('PYTHONPATH', 'lib/python'),
    ...behind('RUBYLIB', 'lib/ruby'),
  }
}

/** With the secrets of the job: masked in its log, and never on disk. */
export const helperSecrets = ({ access: { token } }: HelperPlan): Record<string, string> => ({
  RUNYARD_TOKEN: token,
  CRONIUM_EXECUTION_TOKEN: token,
})
