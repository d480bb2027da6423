/**
 * What the administrator of this runner allows, checked here although the server has checked it at submit: the runner
 * does not trust a server with its own file system. All paths are compared as what they really are, links resolved.
 */
import { realpath, stat } from 'node:fs/promises'
import { isCovered } from '../../lib/egress-rules.ts'
import type { StoredSpec } from '../../job/spec.ts'
import type { SharedInputs } from '../shares/check.ts'
import { StartRefused } from '../executor.ts'

export interface Policy {
  allowIsolationNone: boolean
  allowNetworkHost: boolean
  /** Destinations (`lib/egress-rules.ts`). None when missing. */
  egressAllow?: string[] | undefined
  allowedWorkdirs: string[]
  allowedReadOnlyBinds: string[]
  allowedReadWriteBinds: string[]
  /** None when missing. */
  sharedInputs?: SharedInputs | undefined
  /** None when missing. */
  projects?: ProjectPolicy | undefined
}

/** What tasks of the pipelines in these directories may, and no other job: profile `project`. */
export interface ProjectPolicy {
  roots: string[]
  /** Shown to them read-only, and first in their PATH. */
  toolchains: string[]
}

const isProject = ({ profile }: StoredSpec): boolean => profile === 'project'

export interface AllowedPath {
  /** As the job wrote it: its place inside the sandbox. */
  path: string
  /** What it really is on this host at the moment of the check; opened as exactly this or not at all. */
  real: string
  uid: number
  gid: number
  directory: boolean
}

export interface AllowedBind extends AllowedPath {
  mode: 'ro' | 'rw'
}

/** Bound, they would open what the sandbox closes. */
const neverBound = ['/', '/proc', '/sys', '/dev']

export function checkModes(spec: StoredSpec, policy: Policy): void {
  if (spec.isolation === 'none' && !policy.allowIsolationNone) {
    throw refused(
      'isolation "none" is not allowed on this runner (its administrator can set RUNYARD_ALLOW_ISOLATION_NONE=true)',
    )
  }
  if (spec.isolation === 'none' && spec.binds && spec.binds.length > 0) {
    throw refused('binds need isolation "full": without namespaces the job sees the paths of this host as they are')
  }
  if (spec.isolation === 'none' && spec.inputs && spec.inputs.length > 0) {
    throw refused('inputs need isolation "full": without namespaces nothing can be shown at /inputs, or read-only')
  }
  if (isProject(spec) && (policy.projects?.roots.length ?? 0) === 0) {
    throw refused(
      'tasks of a project do not run on this runner (its administrator can set RUNYARD_PIPELINES or --pipelines)',
    )
  }
  const network = policy.allowNetworkHost || isProject(spec)
  if (spec.isolation === 'full' && spec.network === 'host' && !network) {
    throw refused(
      'network "host" is not allowed on this runner (its administrator can set RUNYARD_ALLOW_NETWORK_HOST=true)',
    )
  }
  checkEgress(spec, policy)
}

/** For every executor that has this network. */
export function checkEgress(
  { network, egress = [] }: StoredSpec,
  { egressAllow = [] }: Pick<Policy, 'egressAllow'>,
): void {
  if (network !== 'egress') return
  if (egress.length === 0) throw refused('network "egress" needs destinations (egress)')
  const outside = egress.find((entry) => !isCovered(entry, egressAllow))
  if (outside === undefined) return
  throw refused(
    `this runner does not allow jobs to connect to ${outside} (its administrator can add to RUNYARD_EGRESS_ALLOW)`,
  )
}

export async function checkWorkingDir(path: string, spec: StoredSpec, policy: Policy): Promise<AllowedPath> {
  const found = await lookUp(path, 'working_dir')
  if (!found.directory) throw new StartRefused('start', `working_dir ${path} is not a directory`)
  const [list, setting] = isProject(spec)
    ? [policy.projects?.roots ?? [], 'RUNYARD_PIPELINES']
    : [policy.allowedWorkdirs, 'ALLOWED_WORKDIRS']
  await mustBeUnder(found, list, 'working_dir', setting)
  if (found.uid === 0) {
    throw refused(
      `working_dir ${path} belongs to root, and jobs never run as root; give it to the user that jobs in it ` +
        `should run as, e.g.: chown -R ${process.env.SUDO_USER ?? 'nobody'}: ${path}`,
    )
  }
  const self = process.getuid?.() ?? 0
  if (self !== 0 && found.uid !== self) {
    throw refused(
      `working_dir ${path} belongs to uid ${found.uid}; this runner runs as uid ${self} and cannot become another user`,
    )
  }
  return found
}

export async function checkBinds(spec: StoredSpec, policy: Policy): Promise<AllowedBind[]> {
  const binds: AllowedBind[] = []
  for (const { path, mode } of spec.binds ?? []) {
    const found = await lookUp(path, 'bind')
    if (neverBound.includes(found.real) || neverBound.some((p) => p !== '/' && isUnder(found.real, p))) {
      throw refused(`${path} can never be bound into a sandbox`)
    }
    const [list, setting] =
      mode === 'rw'
        ? [policy.allowedReadWriteBinds, 'RUNYARD_ALLOWED_READ_WRITE_BINDS']
        : [[...policy.allowedReadOnlyBinds, ...policy.allowedReadWriteBinds], 'RUNYARD_ALLOWED_READ_ONLY_BINDS']
    await mustBeUnder(found, list, `bind (${mode})`, setting)
    binds.push({ ...found, mode })
  }
  return binds
}

/** Of a project's task: the tools that its administrator named. */
export async function toolchainBinds(spec: StoredSpec, policy: Policy): Promise<AllowedBind[]> {
  if (!isProject(spec) || spec.isolation === 'none') return []
  const dirs = policy.projects?.toolchains ?? []
  return Promise.all(dirs.map(async (dir) => ({ ...(await lookUp(dir, 'toolchain')), mode: 'ro' as const })))
}

async function lookUp(path: string, what: string): Promise<AllowedPath> {
  try {
    const real = await realpath(path)
    const found = await stat(real)
    const written = path.replace(/\/+$/, '') || '/'
    return { path: written, real, uid: found.uid, gid: found.gid, directory: found.isDirectory() }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new StartRefused('start', `${what} ${path} does not exist on this runner`)
    }
    throw new StartRefused('start', `${what} ${path} cannot be reached: ${(error as Error).message}`)
  }
}

async function mustBeUnder(found: AllowedPath, list: string[], what: string, setting: string): Promise<void> {
  for (const allowed of list) {
    const real = await realpath(allowed).catch(() => null)
    // The written path as well: it becomes a place inside the sandbox.
    if (real !== null && isUnder(found.real, real) && (isUnder(found.path, allowed) || isUnder(found.path, real)))
      return
  }
  const permitted = list.length > 0 ? `allowed are ${list.join(', ')}` : 'none is allowed'
  throw refused(`${what} ${found.path} is outside what this runner allows (${permitted}; setting ${setting})`)
}

/** `/logs-evil` is not under `/logs`. */
export function isUnder(path: string, dir: string): boolean {
  const base = dir.replace(/\/+$/, '')
  return base === '' || path === base || path.startsWith(`${base}/`)
}

const refused = (message: string): StartRefused => new StartRefused('refused', message)
