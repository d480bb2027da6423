/** What this host can do for jobs, found by doing it: `facilitiesOf` for the server, `probeHost` for `runyard doctor`. */
import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Facilities } from './executor.ts'
import { findEngine } from './find-engine.ts'
import { connectLauncher } from './launcher/client.ts'
import { onPath } from './launcher/spawn-launcher.ts'
import { groundFromWire, type Ground } from './sandbox/ground.ts'
import { blkio, limitFacilities } from './sandbox/limits.ts'
import { setupLine } from './setup-line.ts'
import { tryIsolation } from './sandbox/try-isolation.ts'
import { systemView } from './sandbox/system-view.ts'
import { defaultEnv } from './sandbox/isolation.ts'
import { seccompFilter } from './sandbox/seccomp.ts'

export interface ProbeRow {
  facility: string
  ok: 'yes' | 'no' | 'partly'
  found: string
  /** One line to type or to change; empty when there is nothing to do. */
  fix: string
}

export async function facilitiesOf(ground: Ground, uid: number): Promise<Facilities> {
  const isolation = await tryIsolation(uid)
  return { isolation, limits: limitFacilities(ground.limits, isolation.full), cgroup: ground.space.kind }
}

/** What `runyard doctor` prints. */
export async function probeHost(options: { uidBase?: number } = {}): Promise<ProbeRow[]> {
  const uid = options.uidBase ?? 190_000
  const ground = await surveyHere()
  const facilities = await facilitiesOf(ground, uid)
  return [
    bubblewrapRow(ground),
    isolationRow(facilities),
    toolsRow(),
    languagesRow(),
    seccompRow(),
    cgroupRow(ground),
    ...limitRows(facilities),
    await containerRow(),
    sshRow(),
    await slurmRow(),
  ]
}

/** With a launcher of our own: without root, cgroup v2 is only to be had where systemd puts that one. */
export async function surveyHere(): Promise<Ground> {
  const runDir = await mkdtemp(join(tmpdir(), 'runyard-doctor-'))
  const launcher = await connectLauncher({ socketPath: join(runDir, 'launcher.sock'), spawnIfMissing: true })
  try {
    const ground = groundFromWire(await launcher.call({ op: 'ground' }))
    await launcher.call({ op: 'cool' })
    return ground
  } finally {
    await launcher.close()
    await rm(runDir, { recursive: true, force: true })
  }
}

const row = (facility: string, ok: ProbeRow['ok'], found: string, fix = ''): ProbeRow => ({ facility, ok, found, fix })

function bubblewrapRow({ bwrap }: Ground): ProbeRow {
  if (bwrap === null) return row('bubblewrap', 'no', 'not installed: no job can be isolated', setupLine)
  const missing = [
    ...(bwrap.bindFd ? [] : ['--bind-fd (a working directory could be swapped between check and use)']),
    ...(bwrap.disableUserns ? [] : ['--disable-userns']),
    ...(bwrap.size ? [] : ['--size (disk limits)']),
  ]
  if (missing.length === 0) return row('bubblewrap', 'yes', onPath('bwrap') ?? 'found')
  return row('bubblewrap', 'partly', `too old for ${missing.join(', ')}`, 'install bubblewrap 0.10 or later')
}

function isolationRow({ isolation }: Facilities): ProbeRow {
  if (isolation.full) return row('isolation', 'yes', 'a sandbox with its own namespaces was started')
  const [, reason = '', fix = ''] = /^([\s\S]*?)(?: \((?:fix: )?([\s\S]*)\))?$/.exec(isolation.reason ?? '') ?? []
  return row('isolation', 'no', reason, fix)
}

function toolsRow(): ProbeRow {
  const missing = ['setpriv', 'prlimit', 'mkfifo'].filter((program) => onPath(program) === null)
  if (missing.length > 0) {
    return row('system tools', 'no', `missing: ${missing.join(', ')}`, 'install util-linux and coreutils')
  }
  return onPath('perl') === null
    ? row('system tools', 'partly', 'setpriv, prlimit, mkfifo; without perl every start is slower', 'install perl-base')
    : row('system tools', 'yes', 'setpriv, prlimit, mkfifo, perl')
}

/** Of scripts of events. Node is always there: a runner lends its own. */
export function languagesRow(isInside = seenByJobs): ProbeRow {
  const missing = ['bash', 'python3'].filter((program) => !isInside(program))
  const found = ['bash', 'python3', 'node', 'ruby', 'go'].filter(isInside)
  if (!found.includes('node')) found.push('node (Runyard’s own)')
  if (missing.length === 0) return row('languages', 'yes', found.join(', '))
  return row(
    'languages',
    'partly',
    `${found.join(', ')}; jobs see no ${missing.join(' and no ')}`,
    `install ${missing.join(' and ')}`,
  )
}

/** On the path that jobs have, which is not ours, and in a directory that their sandbox has. */
function seenByJobs(program: string): boolean {
  const { directories } = systemView()
  return defaultEnv.PATH!.split(':').some((dir) => {
    const path = join(dir, program)
    return existsSync(path) && directories.some((seen) => realpathSync(path).startsWith(`${seen}/`))
  })
}

function seccompRow(): ProbeRow {
  return seccompFilter()
    ? row('system call filter', 'yes', process.arch)
    : row('system call filter', 'no', `no filter for ${process.arch}; namespaces alone protect the host`)
}

function cgroupRow({ space }: Ground): ProbeRow {
  if (space.kind === 'none') return row('cgroups', 'no', 'no cgroup file system is mounted')
  const mountsByReason = Map.groupBy(space.problems.keys(), (mount) => space.problems.get(mount) ?? '')
  const problems = [...mountsByReason].map(([why, mounts]) => `${why}: ${mounts.join(' ')}`)
  if (problems.length === 0) return row('cgroups', 'yes', space.kind)
  const readOnly = [...space.problems.values()].every((why) => why === 'mounted read-only')
  return row(
    'cgroups',
    space.hierarchies.length > 0 ? 'partly' : 'no',
    `${space.kind}; ${problems.join('; ')}`,
    readOnly ? 'start the container with a writable cgroup file system' : setupLine,
  )
}

function limitRows(facilities: Facilities): ProbeRow[] {
  return Object.entries(facilities.limits).map(([name, { held, by, reason }]) => {
    const [, found = '', fix = ''] = /^([\s\S]*?)(?: \(fix: ([\s\S]*)\))?$/.exec(reason ?? '') ?? []
    if (held && by?.startsWith(blkio)) return row(`limit ${name}`, 'partly', by, 'boot with cgroup v2 for all writes')
    return held ? row(`limit ${name}`, 'yes', by ?? '') : row(`limit ${name}`, 'no', found, fix)
  })
}

/** As a runner of this machine would find it. */
async function containerRow(): Promise<ProbeRow> {
  const setting = process.env.RUNYARD_CONTAINER_ENGINE ?? 'auto'
  const found = await findEngine(setting)
  if (found) return row('container engine', 'yes', `${found.engine} ${found.version} at ${found.socket}`)
  if (setting === 'off') return row('container engine', 'no', 'switched off (RUNYARD_CONTAINER_ENGINE=off)')
  if (setting !== 'auto') {
    const fix = 'start it, or name another socket in RUNYARD_CONTAINER_ENGINE'
    return row('container engine', 'no', `no engine answers at ${setting} (RUNYARD_CONTAINER_ENGINE)`, fix)
  }
  const program = ['docker', 'podman'].find((name) => onPath(name) !== null)
  return program
    ? row(
        'container engine',
        'partly',
        `${program} is installed but no engine answers`,
        program === 'podman' ? 'systemctl --user start podman.socket' : 'sudo systemctl start docker',
      )
    : row('container engine', 'no', 'none found (only needed for jobs in containers)')
}

/** Runyard connects by itself; only keys that are in an agent need a program beside it. */
function sshRow(): ProbeRow {
  const agent = process.env.RUNYARD_SSH_AGENT
  if (agent === undefined) return row('ssh', 'yes', 'built in; no agent (RUNYARD_SSH_AGENT is not set)')
  return existsSync(agent)
    ? row('ssh', 'yes', `built in; agent at ${agent}`)
    : row('ssh', 'partly', `built in; there is no agent at ${agent}`, 'start it, or unset RUNYARD_SSH_AGENT')
}

function slurmRow(): Promise<ProbeRow> {
  return new Promise((resolve) => {
    execFile('sinfo', ['--noheader', '--format=%P'], { timeout: 5000 }, (error, stdout) => {
      const partitions = stdout.trim().split('\n').filter(Boolean)
      if (error?.code === 'ENOENT') resolve(row('slurm', 'no', 'not installed (only needed for jobs on its cluster)'))
      else if (error)
        resolve(
          row('slurm', 'partly', 'its commands are here, and no cluster answers', 'name one in /etc/slurm/slurm.conf'),
        )
      else resolve(row('slurm', 'yes', `partitions ${partitions.join(', ')}`))
    })
  })
}
