/** `runyard setup`: what this host lacks, and the commands that change it. Deciding (`stepsFor`) is apart from doing. */
import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { baseName } from './cgroup/base.ts'
import { cgroupKind, cgroupMounts, type CgroupKind, type CgroupMounts } from './cgroup/mounts.ts'
import { onPath } from './launcher/spawn-launcher.ts'
import { surveyHere } from './probe.ts'
import { tryIsolation } from './sandbox/try-isolation.ts'

export interface SetupStep {
  /** What it is for, one line. */
  title: string
  /** The exact command lines, as a person would type them. */
  commands: string[]
  /** Why it cannot be done from here; then the person has to type the commands. */
  manual?: string
  /** Jobs run without it, with fewer limits. */
  optional?: boolean
}

export interface SetupPlan {
  /** Facilities that are there already. */
  present: string[]
  steps: SetupStep[]
}

export type PackageManager = 'apt-get' | 'dnf' | 'apk'

/** Everything that decides, gathered from the host. */
export interface SetupFacts {
  /** Who types. */
  uid: number
  /** Whose runner it is for: with `sudo … setup` the user who called sudo. */
  owner: { uid: number; gid: number }
  /** `sudo -n` works: no password will be asked for. */
  sudo: boolean
  packageManager: PackageManager | null
  missingPrograms: string[]
  /** Why no sandbox starts; null when one did, or when there is no bubblewrap to try with. */
  isolationProblem: string | null
  apparmorRestricts: boolean
  cgroup: CgroupKind
  /** Hierarchies that cannot be used, by mount point. */
  cgroupProblems: Map<string, string>
  v1Mounts: string[]
  hasSystemd: boolean
}

const packageOf: Record<PackageManager, Record<string, string>> = {
  'apt-get': { bwrap: 'bubblewrap', setpriv: 'util-linux', prlimit: 'util-linux', mkfifo: 'coreutils' },
  dnf: { bwrap: 'bubblewrap', setpriv: 'util-linux', prlimit: 'util-linux-core', mkfifo: 'coreutils' },
  apk: { bwrap: 'bubblewrap', setpriv: 'setpriv', prlimit: 'util-linux-misc', mkfifo: 'coreutils' },
}
const needed = ['bwrap', 'setpriv', 'prlimit', 'mkfifo']

export function stepsFor(facts: SetupFacts): SetupPlan {
  const root = facts.uid === 0
  const manual = root || facts.sudo ? undefined : 'needs root, and sudo asks for a password or is not there'
  const asRoot = (line: string): string => (root ? line : `sudo ${line}`)
  const present: string[] = []
  const steps: SetupStep[] = []
  const add = (title: string, lines: string[], why = manual): void => {
    steps.push({ title, commands: lines.map(asRoot), ...(why ? { manual: why } : {}) })
  }

  if (facts.missingPrograms.length === 0) present.push('bubblewrap and the system tools')
  else if (facts.packageManager === null) {
    const title = `install ${facts.missingPrograms.join(', ')}`
    steps.push({
      title,
      commands: [],
      manual: 'no known package manager; install bubblewrap, util-linux and coreutils with yours',
    })
  } else {
    const names = facts.missingPrograms.map(
      (program) => packageOf[facts.packageManager as PackageManager][program] ?? program,
    )
    add(`install ${facts.missingPrograms.join(', ')}`, installLines(facts.packageManager, [...new Set(names)]))
  }

  if (facts.isolationProblem === null) {
    if (!facts.missingPrograms.includes('bwrap')) present.push('sandboxes start')
  } else if (facts.apparmorRestricts) add('let bubblewrap make user namespaces (AppArmor)', apparmorLines)
  else if (/unprivileged_userns_clone/.test(facts.isolationProblem)) {
    add('allow user namespaces', [sysctl('kernel.unprivileged_userns_clone=1')])
  } else if (/max_user_namespaces/.test(facts.isolationProblem)) {
    add('allow user namespaces', [sysctl('user.max_user_namespaces=15000')])
  } else steps.push({ title: 'let sandboxes start', commands: [], manual: facts.isolationProblem })

  if (facts.cgroupProblems.size === 0 && facts.cgroup !== 'none')
    present.push(`cgroups (${facts.cgroup}) for the limits`)
  else {
    const before = steps.length
    addCgroupSteps(facts, add, steps)
    for (const step of steps.slice(before)) step.optional = true
  }
  return { present, steps }
}

function addCgroupSteps(facts: SetupFacts, add: (title: string, lines: string[]) => void, steps: SetupStep[]): void {
  const title = 'make cgroups for the limits of jobs'
  const readOnly = [...facts.cgroupProblems.values()].includes('mounted read-only')
  if (facts.cgroup === 'none' || readOnly || facts.owner.uid === 0) {
    const why = readOnly
      ? 'the cgroup file system is mounted read-only; start this container with a writable one'
      : facts.cgroup === 'none'
        ? 'no cgroup file system is mounted'
        : [...facts.cgroupProblems].map(([mount, problem]) => `${mount}: ${problem}`).join('; ')
    steps.push({ title, commands: [], manual: `${why}. Until then limits are held as far as RLIMITs can` })
  } else if (facts.cgroup === 'v2') {
    if (facts.hasSystemd) add(`${title} (from your next login on)`, delegateLines)
    else
      steps.push({
        title,
        commands: [],
        manual: 'cgroup v2 without systemd cannot be given to a user; run the runner as root',
      })
  } else {
    const bases = facts.v1Mounts
      .filter((mount) => facts.cgroupProblems.has(mount))
      .map((mount) => `${mount}/${baseName(facts.owner.uid)}`)
    if (bases.length > 0) {
      add(`${title} (until the next boot)`, [
        `mkdir -p ${bases.join(' ')}`,
        `chown -R ${facts.owner.uid}:${facts.owner.gid} ${bases.join(' ')}`,
      ])
    }
  }
}

function installLines(manager: PackageManager, packages: string[]): string[] {
  const names = packages.join(' ')
  if (manager === 'apk') return [`apk add ${names}`]
  if (manager === 'dnf') return [`dnf install -y ${names}`]
  return ['apt-get update -q', `apt-get install -y -q --no-install-recommends ${names}`]
}

const quoted = (script: string): string => `sh -c '${script}'`
const sysctl = (assignment: string): string =>
  quoted(`sysctl -w ${assignment} && echo ${assignment} > /etc/sysctl.d/60-runyard.conf`)

const apparmorLines = [
  quoted(
    'printf "abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile bwrap /usr/bin/bwrap flags=(unconfined) {\\n  userns,\\n}\\n"' +
      ' > /etc/apparmor.d/bwrap && apparmor_parser -r /etc/apparmor.d/bwrap',
  ),
]

/** By default systemd hands a user session memory and pids, not cpu and io. */
const delegateLines = [
  quoted(
    'mkdir -p /etc/systemd/system/user@.service.d && printf "[Service]\\nDelegate=cpu cpuset io memory pids\\n"' +
      ' > /etc/systemd/system/user@.service.d/runyard.conf && systemctl daemon-reload',
  ),
]

export { setupLine } from './setup-line.ts'

const run = promisify(execFile)

export async function gatherFacts(): Promise<SetupFacts> {
  const missingPrograms = needed.filter((program) => onPath(program) === null)
  const mounts = cgroupMounts()
  const canProbe = missingPrograms.length === 0
  const isolation = canProbe ? await tryIsolation(process.getuid?.() === 0 ? 190_000 : 0) : { full: true }
  const uid = process.getuid?.() ?? 0
  const owner = ownerOf(uid)
  const { problems } = (await surveyHere()).space
  return {
    uid,
    owner,
    sudo: await works('sudo', ['-n', 'true']),
    packageManager: (['apt-get', 'dnf', 'apk'] as const).find((name) => onPath(name) !== null) ?? null,
    missingPrograms,
    isolationProblem: isolation.full ? null : (isolation.reason ?? 'a sandbox did not start'),
    apparmorRestricts: readSetting('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === '1',
    cgroup: cgroupKind(mounts),
    cgroupProblems: owner.uid === uid ? problems : new Map([...problems, ...problemsOf(owner.uid, mounts)]),
    v1Mounts: [...new Set(mounts.v1.values())],
    hasSystemd: onPath('systemctl') !== null && readSetting('/proc/1/comm') === 'systemd',
  }
}

function ownerOf(uid: number): { uid: number; gid: number } {
  const { SUDO_UID, SUDO_GID } = process.env
  if (uid === 0 && SUDO_UID && SUDO_UID !== '0') return { uid: Number(SUDO_UID), gid: Number(SUDO_GID ?? SUDO_UID) }
  return { uid, gid: process.getgid?.() ?? 0 }
}

/** What another user would miss: on v1 the bases that root has to make. v2 is given by systemd, or not. */
function problemsOf(uid: number, mounts: CgroupMounts): [string, string][] {
  if (mounts.v1.size === 0) return mounts.v2 ? [[mounts.v2, 'not delegated']] : []
  return [...new Set(mounts.v1.values())]
    .filter((mount) => statSync(join(mount, baseName(uid)), { throwIfNoEntry: false })?.uid !== uid)
    .map((mount) => [mount, 'no permission to make a cgroup'])
}

export async function planSetup(): Promise<SetupPlan> {
  return stepsFor(await gatherFacts())
}

export interface SetupResult {
  /** Nothing is left to do. */
  done: boolean
  /** Jobs can run; what is left is optional. */
  ready: boolean
}

/** Runs the plan's steps that can be run from here; `say` gets one line per thing done or left to do. */
export async function applySetup(plan: SetupPlan, say: (line: string) => void): Promise<SetupResult> {
  let done = true
  let ready = true
  for (const step of plan.steps) {
    if (step.manual) {
      done = false
      ready &&= step.optional === true
      say(`left to do: ${step.title} (${step.manual})`)
      for (const command of step.commands) say(`  ${command}`)
      continue
    }
    const failed = await runAll(step.commands, say)
    if (failed === null) {
      say(`done: ${step.title}`)
      continue
    }
    done = false
    ready &&= step.optional === true
    say(`failed: ${step.title}: ${failed}`)
  }
  return { done, ready }
}

/** The last line of what the failing command said, or null. */
async function runAll(commands: string[], say: (line: string) => void): Promise<string | null> {
  for (const command of commands) {
    say(`  ${command}`)
    // `sudo` as planned, but never with a password prompt that nobody answers.
    const line = command.replace(/^sudo /, 'sudo -n ')
    try {
      await run('/bin/sh', ['-c', line], {
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
        maxBuffer: 64 * 1024 * 1024,
      })
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string }
      // Package lists that cannot be refreshed do not matter when the package is known already.
      if (!/apt-get update/.test(command)) return (stderr || message).trim().split('\n').at(-1) ?? message
    }
  }
  return null
}

const works = async (program: string, args: string[]): Promise<boolean> =>
  run(program, args).then(
    () => true,
    () => false,
  )

function readSetting(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim()
  } catch {
    return ''
  }
}
