/** An order in its slot → what the starter is to do. */
import type { AttemptOrder } from '../executor.ts'
import { onPath } from '../launcher/spawn-launcher.ts'
import type { Launch } from '../launcher/starter.ts'
import type { Ground } from '../sandbox/ground.ts'
import { sandboxLaunch } from '../sandbox/isolation.ts'
import { limiterArgv } from '../sandbox/limits.ts'
import { seccompFilter } from '../sandbox/seccomp.ts'
import { plainLaunch } from '../sandbox/unisolated.ts'
import type { Checked } from './check.ts'
import type { Slot } from './slots.ts'

const seccomp = seccompFilter()

export interface Placed {
  home?: string
  marker?: string
}

export function launchOf(order: AttemptOrder, checked: Checked, at: Ground, slot: Slot, placed: Placed): Launch {
  const env = { ...order.env, ...order.secretEnv }
  const pipes = { stdout: slot.stdout.path, stderr: slot.stderr.path }
  const common = {
    id: order.key,
    cgroupProcs: slot.cgroup.procs,
    uid: checked.identity?.uid,
    gid: checked.identity?.gid,
    openFiles: checked.plan.openFiles,
  }
  const { home, marker } = placed
  if (home !== undefined && marker !== undefined) {
    const { command } = order.spec
    return { ...common, ...plainLaunch({ command, env, home, marker, workingDir: checked.workingDir, ...pipes }) }
  }
  const launch = sandboxLaunch({
    command: order.spec.command,
    env,
    hostname: order.env.RUNYARD_JOB_ID ?? order.key,
    network: order.spec.network,
    diskBytes: order.limits.disk_bytes,
    workingDir: checked.workingDir,
    binds: checked.binds,
    status: slot.status.path,
    seccomp,
    supports: at.bwrap ?? { bindFd: false, disableUserns: false, size: false },
    limiter: limiterArgv(checked.plan.inside),
    ...pipes,
  })
  return { ...common, ...launch, program: bwrap(), env: hostPath(), cwd: '/' }
}

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
