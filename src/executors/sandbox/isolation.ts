/** The recipe: one job's bubblewrap arguments, and the files that are handed over by fd (`sandbox.md` 3.3). */
import type { LaunchFd } from '../launcher/starter.ts'
import type { AllowedBind, AllowedPath } from './policy.ts'
import { networkView, systemView, viewArgs, type SystemView } from './system-view.ts'

export interface SandboxRecipe {
  command: string[]
  /** Instead of `command`, a program that waits: its argv by the numbers of its pipes. */
  waiter?: { order: string; report: string; argv(orderFd: string, reportFd: string, statusFd: string): string[] }
  /** Instead of `command`, one that reads its reports when it has ended: argv by the numbers of its pipes. */
  pickup?: Pickup
  env: Record<string, string>
  hostname: string
  network: 'none' | 'host'
  diskBytes: number
  workingDir: AllowedPath | null
  binds: AllowedBind[]
  /** The pipe that takes bwrap's own report (child pid, exit code). */
  status: string
  seccomp: Buffer | null
  /** From `bwrap --help`; an older one does without. */
  supports: BwrapSupport
  /** A program with its arguments that sets RLIMITs inside, before the command; empty when cgroups hold them. */
  limiter: string[]
  stdout: string
  stderr: string
}

/** `pickup.ts` around a command. */
export interface Pickup {
  order: Buffer
  /** The pipe that takes the files. */
  report: string
  argv(orderFd: string, reportFd: string, statusFd: string): string[]
}

export interface BwrapSupport {
  bindFd: boolean
  disableUserns: boolean
  size: boolean
}

/** Who the job is inside. Not 65534: that is how unmapped owners look, and all of /usr would seem to be the job's. */
export const jobIdentity = { uid: 1000, gid: 1000, name: 'job', home: '/job', hostname: 'job' }
const { uid, gid, name, home } = jobIdentity

const passwd = [
  'root:x:0:0:root:/root:/usr/sbin/nologin',
  `${name}:x:${uid}:${gid}:${name}:${home}:/bin/sh`,
  'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
]
const group = ['root:x:0:', `${name}:x:${gid}:`, 'nogroup:x:65534:']
const nsswitch = ['passwd: files', 'group: files', 'hosts: files dns']

export const defaultEnv: Record<string, string> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: home,
  TMPDIR: '/tmp',
  LANG: 'C.UTF-8',
  USER: name,
  LOGNAME: name,
  SHELL: '/bin/sh',
}

const argsFd = 3
const bwrapArgv = ['bwrap', '--args', String(argsFd), '--']
/** The beginnings of the command lines inside the sandbox, until the job's command takes their place. */
export const beforeCommand = (limiter: string[]): string[] =>
  [bwrapArgv, limiter].filter((argv) => argv.length > 0).map((argv) => `${argv.join('\0')}\0`)

export function sandboxLaunch(recipe: SandboxRecipe): { argv: string[]; fds: LaunchFd[] } {
  const fds: LaunchFd[] = [
    { fd: 0, path: '/dev/null', open: 'read' },
    // Read-write: a pipe whose reader died neither kills the job nor loses a line (`sandbox.md` 3.8).
    { fd: 1, path: recipe.stdout, open: 'pipe' },
    { fd: 2, path: recipe.stderr, open: 'pipe' },
  ]
  let nextFd = argsFd + 1
  const hand = (make: (fd: number) => LaunchFd): string => {
    fds.push(make(nextFd))
    return String(nextFd++)
  }
  const handText = (lines: string[]): string => hand((fd) => ({ fd, data: Buffer.from(`${lines.join('\n')}\n`) }))
  const file = (path: string, lines: string[]): string[] => ['--perms', '0444', '--file', handText(lines), path]
  const see = (view: SystemView): string[] => [
    ...viewArgs(view),
    ...view.files.flatMap((path) => ['--perms', '0444', '--file', hand((fd) => ({ fd, path, open: 'read' })), path]),
  ]
  const tmpfs = (path: string, mode: string): string[] => [
    ...(recipe.supports.size ? ['--size', String(recipe.diskBytes)] : []),
    ...['--perms', mode, '--tmpfs', path],
  ]
  const bind = (what: AllowedPath, mode: 'ro' | 'rw'): string[] => {
    const option = mode === 'rw' ? '--bind' : '--ro-bind'
    if (!recipe.supports.bindFd) return [option, what.real, what.path]
    return [`${option}-fd`, hand((fd) => ({ fd, path: what.real, open: 'exact' })), what.path]
  }

  const args = [
    '--unshare-all',
    ...(recipe.network === 'host' ? ['--share-net'] : []),
    '--unshare-user',
    ...(recipe.supports.disableUserns ? ['--disable-userns'] : []),
    '--die-with-parent',
    '--new-session',
    ...['--cap-drop', 'ALL', '--uid', String(uid), '--gid', String(gid), '--hostname', recipe.hostname],
    '--clearenv',
    ...Object.entries({ ...defaultEnv, ...recipe.env }).flatMap(([key, value]) => ['--setenv', key, value]),
    ...['--perms', '0755', '--dir', '/etc'],
    ...see(systemView()),
    ...(recipe.network === 'host'
      ? see(networkView())
      : [
          ...file('/etc/hosts', ['127.0.0.1 localhost', '::1 localhost', `127.0.1.1 ${recipe.hostname}`]),
          ...file('/etc/nsswitch.conf', nsswitch),
        ]),
    ...file('/etc/passwd', passwd),
    ...file('/etc/group', group),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...tmpfs('/dev/shm', '1777'),
    // bubblewrap's /dev is a tmpfs without a size: without this a job could fill memory there past its disk limit.
    ...['--remount-ro', '/dev'],
    ...['--perms', '0755', '--dir', '/run', '--perms', '0755', '--dir', '/var', '--symlink', '../tmp', '/var/tmp'],
    ...tmpfs('/tmp', '1777'),
    ...tmpfs(home, '0755'),
    ...(recipe.workingDir ? bind(recipe.workingDir, 'rw') : []),
    ...recipe.binds.flatMap((b) => bind(b, b.mode)),
    ...['--remount-ro', '/', '--chdir', recipe.workingDir?.path ?? home],
    ...(recipe.seccomp ? ['--seccomp', hand((fd) => ({ fd, data: recipe.seccomp! }))] : []),
    ...['--json-status-fd', hand((fd) => ({ fd, path: recipe.status, open: 'pipe' }))],
  ]
  const forWaiter = (path: string): string => hand((fd) => ({ fd, path, open: 'pipe' }))
  const { waiter, pickup } = recipe
  const command = waiter
    ? waiter.argv(forWaiter(waiter.order), forWaiter(waiter.report), forWaiter(recipe.status))
    : pickup
      ? pickup.argv(
          hand((fd) => ({ fd, data: pickup.order })),
          forWaiter(pickup.report),
          forWaiter(recipe.status),
        )
      : recipe.command
  fds.push({ fd: argsFd, data: Buffer.from(`${args.join('\0')}\0`) })
  return { argv: [...bwrapArgv, ...recipe.limiter, ...command], fds }
}
