/** What this host can do for jobs, found by doing it: `facilitiesOf` for the server, `probeHost` for `runyard doctor`. */
import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Facilities } from './executor.ts'
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
    await sshRow(),
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

async function containerRow(): Promise<ProbeRow> {
  const runtimeDir = process.env.XDG_RUNTIME_DIR
  const sockets = [
    '/var/run/docker.sock',
    '/run/podman/podman.sock',
    ...(runtimeDir ? [`${runtimeDir}/podman/podman.sock`] : []),
  ]
  for (const socketPath of sockets.filter((path) => existsSync(path))) {
    if (await answers(socketPath)) return row('container engine', 'yes', socketPath)
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

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/_ping', timeout: 2000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asked.on('error', () => resolve(false))
    asked.on('timeout', () => asked.destroy())
    asked.end()
  })
}

function sshRow(): Promise<ProbeRow> {
  return new Promise((resolve) => {
    execFile('ssh', ['-V'], (error, stdout, stderr) => {
      resolve(
        error
          ? row('ssh', 'no', 'not installed (only needed for jobs on other hosts)')
          : row('ssh', 'yes', (stderr || stdout).trim()),
      )
    })
  })
}
