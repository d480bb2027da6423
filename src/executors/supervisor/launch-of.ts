/** An order in its slot → what the starter is to do. */
import { helperPath } from '../../job/helper-places.ts'
import { pathWith } from '../../job/project.ts'
import type { AttemptOrder } from '../executor.ts'
import { proxyEnv } from '../egress/proxy-env.ts'
import { socketName } from '../egress/protocol.ts'
import { onPath } from '../launcher/spawn-launcher.ts'
import type { Launch } from '../launcher/starter.ts'
import type { Ground } from '../sandbox/ground.ts'
import { defaultEnv, jobIdentity, sandboxLaunch, type Pickup, type SandboxRecipe } from '../sandbox/isolation.ts'
import { limiterArgv } from '../sandbox/limits.ts'
import { seccompFilter } from '../sandbox/seccomp.ts'
import { plainLaunch, type Identity } from '../sandbox/unisolated.ts'
import { systemView } from '../sandbox/system-view.ts'
import { perlInside, waiterEnv } from '../sandbox/waiter.ts'
import { encodeWayOut, encodeWayOutWithPickup, wayOutArgv } from '../sandbox/way-out.ts'
import type { Checked } from './check.ts'
import { outputPath, pickupFor, pickupOrder, type Wrapping } from './picking-up.ts'
import type { Slot } from './slots.ts'

const seccomp = seccompFilter()

export interface Placed {
  home?: string
  marker?: string
  wrapping: Wrapping
}

/** Everything about a sandbox but what runs in it. */
export interface Shape extends Pick<
  SandboxRecipe,
  'network' | 'diskBytes' | 'workingDir' | 'binds' | 'limiter' | 'supports'
> {
  program: string
  openFiles: number
  identity: Identity | null
}

export const shapeOf = (order: AttemptOrder, checked: Checked, at: Ground): Shape => ({
  network: order.spec.network === 'host' ? 'host' : 'none',
  diskBytes: order.limits.disk_bytes,
  workingDir: checked.workingDir,
  binds: checked.binds,
  limiter: limiterArgv(checked.plan.inside),
  supports: at.bwrap ?? { bindFd: false, disableUserns: false, size: false },
  program: bwrap(),
  openFiles: checked.plan.openFiles,
  identity: checked.identity,
})

type Content = Pick<SandboxRecipe, 'command' | 'env' | 'waiter' | 'pickup'>

export function launchShape(id: string, shape: Shape, slot: Slot, content: Content): Launch {
  const { program, openFiles, identity, ...recipe } = shape
  const launch = sandboxLaunch({
    ...recipe,
    ...content,
    // The same for all, so that a sandbox can be built before its job is known.
    hostname: jobIdentity.hostname,
    status: slot.status.path,
    seccomp,
    stdout: slot.stdout.path,
    stderr: slot.stderr.path,
  })
  return { ...placeOf(id, identity, openFiles, slot), ...launch, program, env: hostPath(), cwd: '/' }
}

export function launchOf(order: AttemptOrder, checked: Checked, at: Ground, slot: Slot, placed: Placed): Launch {
  const { command } = order.spec
  const { home, marker, wrapping } = placed
  const { workingDir, identity, plan } = checked
  const perl = wrapping && 'perl' in wrapping ? wrapping.perl : null
  const output = perl === null ? null : outputPath(order, home)
  const tools: Record<string, string> = checked.toolchains?.length
    ? { PATH: pathWith(checked.toolchains, defaultEnv.PATH!) }
    : {}
  const own = {
    ...tools,
    ...(checked.wayOut ? proxyEnv : {}),
    ...order.env,
    ...order.secretEnv,
    ...(output === null ? {} : { RUNYARD_OUTPUT: output }),
  }
  const env = { ...own, ...helpersIn(order, own) }
  const pickupIn =
    perl === null ? undefined : (complete: Record<string, string>): Pickup => pickupFor(perl, order, slot, complete)
  if (home === undefined || marker === undefined) {
    const complete = { ...defaultEnv, ...env, PWD: workingDir?.path ?? jobIdentity.home }
    const pickup = checked.wayOut ? wayOutFor(order, slot, complete, perl !== null) : pickupIn?.(complete)
    // What is around the command has an environment of its own: Perl would obey PERL5OPT, and complain about a locale.
    const content = pickup ? { command, pickup, env: waiterEnv } : { command, env }
    return launchShape(order.key, shapeOf(order, checked, at), slot, content)
  }
  const pipes = { stdout: slot.stdout.path, stderr: slot.stderr.path, status: slot.status.path, pickup: pickupIn }
  return {
    ...placeOf(order.key, identity, plan.openFiles, slot),
    ...plainLaunch({ command, env, home, marker, workingDir, ...pipes }),
  }
}

function wayOutFor(order: AttemptOrder, slot: Slot, env: Record<string, string>, leavesFiles: boolean): Pickup {
  const perl = perlInside(systemView()) ?? 'perl'
  const encoded = leavesFiles
    ? encodeWayOutWithPickup(socketName, pickupOrder(order, env))
    : encodeWayOut(socketName, order.spec.command, env)
  return { order: encoded, report: slot.reportPath, argv: (...fds) => wayOutArgv(perl, ...fds) }
}

/** Behind all others: a script finds its helpers, and a Node program where there is none. */
function helpersIn({ helpersDir, spec }: AttemptOrder, { PATH }: Record<string, string>): { PATH?: string } {
  if (helpersDir === undefined) return {}
  return { PATH: helperPath(PATH ?? defaultEnv.PATH!, spec.isolation === 'none' ? helpersDir : undefined) }
}

const placeOf = (id: string, identity: Identity | null, openFiles: number, slot: Slot) => ({
  id,
  cgroupProcs: slot.cgroup.procs,
  uid: identity?.uid,
  gid: identity?.gid,
  openFiles,
})

let found: { path: string; at: number } | null = null
const foundForMs = 10_000

/** Looked up again every ten seconds: it may be installed meanwhile. */
function bwrap(): string {
  if (found === null || performance.now() - found.at > foundForMs) {
    found = { path: onPath('bwrap') ?? 'bwrap', at: performance.now() }
  }
  return found.path
}

/** For `setpriv` and `bwrap` to be found; the job gets its own. */
const hostPath = (): Record<string, string> => ({ PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' })
