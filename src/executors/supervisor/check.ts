/** Everything that can be refused before anything is made. */
import { statSync } from 'node:fs'
import { artifactsPlace } from '../../job/artifacts.ts'
import { helperPlaces, helpersPlace } from '../../job/helper-places.ts'
import { StartRefused, type AttemptOrder } from '../executor.ts'
import type { WayOut, WaysOut } from '../egress/ways-out.ts'
import { disksUnder } from '../sandbox/disks.ts'
import type { Ground } from '../sandbox/ground.ts'
import { checkInputs } from '../shares/check.ts'
import { planLimits, type LimitPlan } from '../sandbox/limits.ts'
import { checkBinds, checkModes, checkWorkingDir, toolchainBinds } from '../sandbox/policy.ts'
import type { AllowedBind, AllowedPath, Policy } from '../sandbox/policy.ts'
import { systemView } from '../sandbox/system-view.ts'
import type { Identity } from '../sandbox/unisolated.ts'
import { perlInside } from '../sandbox/waiter.ts'
import { wayOutPlace } from '../sandbox/way-out.ts'

/** What the runner tells its launcher about itself. */
export interface ExecutorConfig {
  /** State and record files of attempts. */
  attemptsDir: string
  /** As root, slot n runs as uid `uidBase + n`; uids `uidBase` to `uidBase + uidCount - 1` belong to jobs alone. */
  uidBase: number
  uidCount: number
  policy: Policy
  warm?: WarmPolicy
}

/** Sandboxes that are built ahead. */
export interface WarmPolicy {
  /** As many at most; 0: none. */
  most?: number
  /** For tests: no start without one, whatever the time it takes. */
  always?: boolean
}

export interface Checked {
  workingDir: AllowedPath | null
  binds: AllowedBind[]
  identity: Identity | null
  plan: LimitPlan
  /** Directories whose programs come first. */
  toolchains?: string[] | undefined
  wayOut?: WayOut
}

/** Not a promise when no path has to be looked at: paths may lie on a file system that hangs. */
export function check(order: AttemptOrder, at: Ground, config: ExecutorConfig): Checked | Promise<Checked> {
  const { spec, limits } = order
  checkModes(spec, config.policy)
  if (spec.isolation === 'full' && at.bwrap === null) {
    throw new StartRefused('refused', 'this runner cannot isolate: bubblewrap is not installed (fix: runyard setup)')
  }
  if (spec.network === 'egress' && perlInside(systemView()) === null) {
    throw new StartRefused('refused', 'network "egress" needs Perl on this runner (install perl-base)')
  }
  const named = (spec.binds?.length ?? 0) + (spec.inputs?.length ?? 0)
  const ours = order.artifactsDir !== undefined || order.helpersDir !== undefined
  if (spec.working_dir || named > 0 || ours || limits.io_bytes_per_second !== undefined) {
    return checkPaths(order, at, config)
  }
  return {
    workingDir: null,
    binds: [],
    identity: identityFor(order, null, config),
    plan: planLimits(order, at.limits, []),
  }
}

async function checkPaths(order: AttemptOrder, at: Ground, config: ExecutorConfig): Promise<Checked> {
  const { spec, limits } = order
  const workingDir = spec.working_dir ? await checkWorkingDir(spec.working_dir, spec, config.policy) : null
  const tools = await toolchainBinds(spec, config.policy)
  const binds = await checkBinds(spec, config.policy)
  const touched = ['/usr', ...(workingDir ? [workingDir.real] : []), ...binds.map((bind) => bind.real)]
  const disks = limits.io_bytes_per_second === undefined ? [] : await disksUnder(touched)
  // Not asked for their disks: they may hang by now.
  const inputs = await checkInputs(spec.inputs ?? [], config.policy.sharedInputs ?? { runner: '', dirs: {} })
  return {
    workingDir,
    binds: [...tools, ...binds, ...inputs, ...artifactsBind(order), ...helpersBind(order)],
    identity: identityFor(order, workingDir, config),
    plan: planLimits(order, at.limits, disks),
    ...(spec.profile === 'project' && { toolchains: config.policy.projects?.toolchains }),
  }
}

/** A checked order with network "egress" gets its way out, which is to be closed when it has ended. */
export async function withWayOut(
  order: AttemptOrder,
  checked: Checked,
  { policy }: ExecutorConfig,
  waysOut: WaysOut,
): Promise<Checked> {
  const { key, spec } = order
  const request = { name: key, list: spec.egress ?? [], allow: policy.egressAllow ?? [] }
  const wayOut = await waysOut.open(request).catch((error: Error) => {
    throw new StartRefused('infrastructure', error.message)
  })
  return { ...checked, wayOut, binds: [...checked.binds, ownBind(wayOut.dir, wayOutPlace)] }
}

const artifactsBind = ({ artifactsDir, spec }: AttemptOrder): AllowedBind[] =>
  artifactsDir === undefined || spec.isolation === 'none' ? [] : [ownBind(artifactsDir, artifactsPlace)]

function helpersBind({ helpersDir, helpersLibrary, node, spec }: AttemptOrder): AllowedBind[] {
  if (helpersDir === undefined || spec.isolation === 'none') return []
  return [
    ownBind(helpersDir, helpersPlace),
    ...(helpersLibrary === undefined ? [] : [ownBind(helpersLibrary, helperPlaces.library)]),
    ...(node === undefined ? [] : [ownBind(node, helperPlaces.node)]),
  ]
}

/** The runner has made it itself, or is it. */
function ownBind(real: string, path: string): AllowedBind {
  const found = statSync(real)
  return { path, real, uid: found.uid, gid: found.gid, directory: found.isDirectory(), mode: 'ro' }
}

function identityFor(order: AttemptOrder, workingDir: AllowedPath | null, config: ExecutorConfig): Identity | null {
  if (process.getuid?.() !== 0) return null
  if (workingDir) return { uid: workingDir.uid, gid: workingDir.gid }
  if (order.slot >= config.uidCount) {
    throw new StartRefused('infrastructure', `slot ${order.slot} has no uid: this runner has ${config.uidCount}`)
  }
  return { uid: config.uidBase + order.slot, gid: config.uidBase + order.slot }
}
