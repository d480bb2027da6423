/**
 * The sandbox executor: a command of this host in its own namespaces, as its own user, inside its own cgroup.
 * `start` reads as the steps that an attempt goes through.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAttemptCgroup, procsOf, setLimits } from './cgroup/attempt-cgroup.ts'
import { removeSpace } from './cgroup/base.ts'
import { removeCgroup } from './cgroup/remove.ts'
import { StartRefused, type AttemptOrder, type Executor, type RunningAttempt } from './executor.ts'
import { killTree } from './kill-tree.ts'
import type { Launcher, LaunchOrder } from './launcher/launcher.ts'
import { createPipePool, holdPipes } from './pipes.ts'
import { facilitiesOf } from './probe.ts'
import { disksUnder } from './sandbox/disks.ts'
import { passGate } from './sandbox/gate.ts'
import { bwrapSupport, hostLimits, runnerTag, surveyGround, type Ground } from './sandbox/ground.ts'
import { sandboxLaunch } from './sandbox/isolation.ts'
import { afterCgroup, limiterArgv, planLimits, type LimitPlan } from './sandbox/limits.ts'
import {
  checkBinds,
  checkModes,
  checkWorkingDir,
  type AllowedBind,
  type AllowedPath,
  type Policy,
} from './sandbox/policy.ts'
import { exitOf, releaseState, runningAttempt } from './sandbox/running.ts'
import { seccompFilter } from './sandbox/seccomp.ts'
import { loadExit, loadLaunch, loadState, saveState, statusFileOf, treeOf, type AttemptState } from './sandbox/state.ts'
import { homePrefix, makeHome, newMarker, plainLaunch, type Identity } from './sandbox/unisolated.ts'

export interface SandboxOptions extends Policy {
  /** Short private directory (0700) for sockets and pipes; also names this runner's cgroups. */
  runDir: string
  /** As root, slot n runs as uid `uidBase + n`; uids `uidBase` to `uidBase + uidCount - 1` belong to jobs alone. */
  uidBase: number
  uidCount: number
  launcher: Launcher
}

interface Checked {
  workingDir: AllowedPath | null
  binds: AllowedBind[]
  identity: Identity | null
  plan: LimitPlan
}

export function createSandboxExecutor(options: SandboxOptions): Executor {
  const { launcher } = options
  const pipes = createPipePool(join(options.runDir, 'pipes'))
  const deps = { launcher, pipes }
  const seccomp = seccompFilter()
  const tag = runnerTag(options.runDir)
  let surveyed: Promise<Ground> | null = null

  const ground = async (): Promise<Ground> => {
    surveyed ??= surveyGround(options.runDir, launcher)
    surveyed.catch(() => (surveyed = null))
    const found = await surveyed
    // Installed meanwhile? `runyard setup` works beside a running runner.
    if (found.bwrap === null) {
      found.bwrap = await bwrapSupport()
      found.limits = hostLimits(found.space, found.bwrap)
    }
    return found
  }

  /** Everything that can be refused before anything is made. */
  const check = async (order: AttemptOrder, at: Ground): Promise<Checked> => {
    checkModes(order.spec, options)
    if (order.spec.isolation === 'full' && at.bwrap === null) {
      throw new StartRefused('refused', 'this runner cannot isolate: bubblewrap is not installed (fix: runyard setup)')
    }
    const workingDir = order.spec.working_dir ? await checkWorkingDir(order.spec.working_dir, options) : null
    const binds = await checkBinds(order.spec, options)
    const touched = ['/usr', ...(workingDir ? [workingDir.real] : []), ...binds.map((bind) => bind.real)]
    const disks = order.limits.io_bytes_per_second === undefined ? [] : await disksUnder(touched)
    return { workingDir, binds, identity: identityFor(order, workingDir), plan: planLimits(order, at.limits, disks) }
  }

  const identityFor = (order: AttemptOrder, workingDir: AllowedPath | null): Identity | null => {
    if (process.getuid?.() !== 0) return null
    if (workingDir) return { uid: workingDir.uid, gid: workingDir.gid }
    if (order.slot >= options.uidCount) {
      throw new StartRefused('infrastructure', `slot ${order.slot} has no uid: this runner has ${options.uidCount}`)
    }
    return { uid: options.uidBase + order.slot, gid: options.uidBase + order.slot }
  }

  const prepare = async (order: AttemptOrder, checked: Checked, at: Ground): Promise<AttemptState> => {
    await mkdir(order.dir, { recursive: true, mode: 0o700 })
    const state: AttemptState = {
      key: order.key,
      dir: order.dir,
      isolation: order.spec.isolation,
      cgroup: { dirs: [] },
      pipes: { stdout: '', stderr: '' },
      unenforced: [],
      startedAt: new Date().toISOString(),
    }
    try {
      state.pipes = await pipes.take(order.key)
      state.cgroup = await createAttemptCgroup(at.space, order.key)
      const failed = await setLimits(state.cgroup, checked.plan.cgroup)
      state.unenforced = afterCgroup(checked.plan, failed, order.named)
      if (state.isolation === 'none') {
        state.marker = newMarker()
        state.home = await makeHome(tag, order.key, checked.identity)
      }
      await saveState(state)
      return state
    } catch (error) {
      await releaseState(state, deps)
      throw error
    }
  }

  const launchOrder = (order: AttemptOrder, checked: Checked, state: AttemptState, at: Ground): LaunchOrder => {
    const env = { ...order.env, ...order.secretEnv }
    const common = {
      id: order.key,
      cgroupProcs: procsOf(state.cgroup),
      uid: checked.identity?.uid,
      gid: checked.identity?.gid,
      openFiles: checked.plan.openFiles,
      keepForMs: order.keepForMs,
      recordDir: order.dir,
    }
    const { home, marker } = state
    if (home !== undefined && marker !== undefined) {
      const launch = {
        command: order.spec.command,
        env,
        home,
        marker,
        workingDir: checked.workingDir,
        pipes: state.pipes,
      }
      return { ...common, ...plainLaunch(launch), marker, dieWithLauncher: true }
    }
    const launch = sandboxLaunch({
      command: order.spec.command,
      env,
      hostname: order.env.RUNYARD_JOB_ID ?? order.key,
      network: order.spec.network,
      diskBytes: order.limits.disk_bytes,
      workingDir: checked.workingDir,
      binds: checked.binds,
      statusFile: statusFileOf(order.dir),
      seccomp,
      supports: at.bwrap ?? { bindFd: false, disableUserns: false, size: false },
      limiter: limiterArgv(checked.plan.inside),
      ...state.pipes,
    })
    // bubblewrap's --die-with-parent binds the sandbox to its monitor, and the monitor to the launcher.
    return { ...common, ...launch, env: hostPath(), cwd: '/', dieWithLauncher: checked.identity !== null }
  }

  const start = async (order: AttemptOrder): Promise<RunningAttempt> => {
    const at = await ground()
    const checked = await check(order, at)
    const state = await prepare(order, checked, at)
    const held = await holdPipes(state.pipes)
    let attempt: RunningAttempt | null = null
    try {
      const main = await launcher.start(launchOrder(order, checked, state, at))
      const exit = exitOf(state, main, launcher)
      attempt = runningAttempt(state, main, exit, deps)
      await passGate({ order, state, limiter: limiterArgv(checked.plan.inside), main, exit, stderr: held.stderr })
      await order.onPipes?.(state.pipes)
      return attempt
    } catch (error) {
      if (attempt) await attempt.release()
      else await killTree(treeOf(state, null)).then(() => releaseState(state, deps))
      throw error instanceof StartRefused ? error : new StartRefused('infrastructure', (error as Error).message)
    } finally {
      await held.close()
    }
  }

  const sweep = async (keep: Set<string>): Promise<number> => {
    const at = await ground()
    const strays = new Set((await launcher.running()).filter((id) => !keep.has(id)))
    await launcher.extend([...strays], 0)
    for (const { dir } of at.space.hierarchies) {
      for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
        if (entry.isDirectory() && !keep.has(entry.name) && !entry.name.startsWith('probe-')) strays.add(entry.name)
      }
    }
    for (const key of strays) {
      const cgroups = at.space.hierarchies.map(({ dir }) => join(dir, key))
      await killTree({ cgroups, roots: [] })
      await Promise.all(cgroups.map(removeCgroup))
    }
    await pipes.sweep(keep)
    for (const name of await readdir(tmpdir())) {
      const key = name.startsWith(homePrefix(tag)) ? name.slice(homePrefix(tag).length) : null
      if (key !== null && !keep.has(key)) await rm(join(tmpdir(), name), { recursive: true, force: true })
    }
    return strays.size
  }

  return {
    kind: 'sandbox',
    probe: async () => facilitiesOf(await ground(), options.uidBase),
    start,
    async adopt(dir) {
      const state = await loadState(dir)
      const main = await loadLaunch(dir)
      const record = await loadExit(dir)
      if (!state || (!main && !record)) return null
      const exit = record ? Promise.resolve(record) : exitOf(state, main ?? { pid: 0, startTime: '' }, launcher)
      return runningAttempt(state, main, exit, deps)
    },
    sweep,
    async close() {
      const at = await surveyed?.catch(() => null)
      await pipes.close()
      if (at) await removeSpace(at.space)
    },
  }
}

/** For the shell to find `setpriv` and `bwrap`; the job gets its own. */
const hostPath = (): Record<string, string> => ({ PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' })
