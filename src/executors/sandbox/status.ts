/** What bubblewrap says about one sandbox: JSON documents in its status pipe, and words on stderr when it fails. */
import { constants as os } from 'node:os'
import { StartRefused } from '../executor.ts'
import { setupLine } from '../setup-line.ts'

export interface BwrapStatus {
  /** Host pid of the sandbox's init. */
  initPid: number | null
  /** 128+n for a signal. Missing when the command was never exec'd, or when bubblewrap itself was killed. */
  exitCode: number | null
  /** The words of the system for a command that a waiter (`waiter.ts`) could not become. */
  execFailed: string | null
  /** Such a waiter is there. */
  waiting: boolean
  /** Of a command with a process around it that reads its files now (`pickup.ts`). */
  commandEnded: boolean
  /** That process gave its reader up: it took too long. */
  filesLate: boolean
}

export function statusOf(text: string): BwrapStatus {
  const said = { waiting: false, commandEnded: false, filesLate: false }
  const status: BwrapStatus = { initPid: null, exitCode: null, execFailed: null, ...said }
  for (const line of text.split('\n')) {
    try {
      const document = JSON.parse(line) as Record<string, unknown>
      // The first is bubblewrap's: it comes before anything runs inside. A process around the command has the pipe open,
      // and a job that writes another there would choose whom the launcher signals, as root.
      if (typeof document['child-pid'] === 'number') status.initPid ??= document['child-pid']
      if (typeof document['exit-code'] === 'number') status.exitCode = document['exit-code']
      if (typeof document['exec-failed'] === 'string') status.execFailed = document['exec-failed']
      if (document.waiting === true) status.waiting = true
      if (document['command-ended'] === true) status.commandEnded = true
      if (document['files-late'] === true) status.filesLate = true
    } catch {
      // A line that is still being written, or the empty one at the end.
    }
  }
  return status
}

/** Where a number has two names the first is the usual one: SIGABRT, not SIGIOT. */
const namesBySignal = new Map(
  Object.entries(os.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
)

/** 137 may be SIGKILL or `exit 137`: both are shown. */
export function signalOf(exitCode: number | null): string | null {
  return exitCode !== null && exitCode > 128 ? (namesBySignal.get(exitCode - 128) ?? null) : null
}

/** The words of bubblewrap, setpriv or the shell for a command that never ran → what its user should read. */
export function refusalOf(words: string, command: string[]): StartRefused {
  const program = command[0] ?? ''
  const failed = /(?:bwrap: execvp|(?:setpriv|prlimit): failed to execute) (?<what>[\s\S]*): (?<why>[^:]+)$/.exec(
    words.trim(),
  )
  if (failed?.groups) return cannotRun(program, failed.groups.why ?? '')
  const chdir = /bwrap: Can't chdir to (?<dir>[\s\S]*): (?<why>[^:]+)$/.exec(words.trim())
  if (chdir?.groups) {
    return new StartRefused('start', `cannot enter the working directory ${chdir.groups.dir}: ${chdir.groups.why}`)
  }
  if (/bwrap: Can't find source path .*: Permission denied/.test(words)) {
    return new StartRefused(
      'refused',
      'the working directory or a bind cannot be reached by the user that the job runs as: a directory above it is closed to that user (chmod o+x opens the way without showing the contents)',
    )
  }
  const said = words.trim() === '' ? 'it ended without a word' : words.trim().split('\n').at(-1)
  return new StartRefused('infrastructure', `the sandbox could not be set up: ${said}${fixFor(words)}`)
}

/** The command itself could not be executed, as the system puts it. */
export function cannotRun(program: string, why: string): StartRefused {
  const isPath = program.includes('/')
  if (/No such file/.test(why)) {
    return new StartRefused(
      'start',
      isPath
        ? `command not found: ${program} does not exist inside the sandbox, or the interpreter in its first line does not`
        : `command not found: ${program} is not in the PATH of the sandbox`,
    )
  }
  if (/Permission denied/.test(why)) {
    return new StartRefused('start', `not executable: ${program} (permission denied; is it a program, with chmod +x?)`)
  }
  if (/Argument list too long/.test(why)) {
    return new StartRefused('start', `cannot start ${program}: its arguments and environment are too long together`)
  }
  return new StartRefused('start', `cannot start ${program}: ${why}`)
}

/** `sandbox.md`, Detection at start. */
const fixes: [RegExp, string][] = [
  [
    /No permissions to create new namespace/,
    'allow user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1',
  ],
  [
    /max_[a-z]+_namespaces exceeded|Creating new namespace failed/,
    'raise the limit: sudo sysctl -w user.max_user_namespaces=15000',
  ],
  [
    /setting up uid map: (Permission denied|Operation not permitted)/,
    `user namespaces are restricted (AppArmor, or the container this runs in): ${setupLine}, or run the runner as root`,
  ],
  [
    /loopback: Failed RTM_NEWADDR/,
    'user namespaces are restricted (AppArmor): sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
  [/Can't mount proc/, 'this is a container with a masked /proc; start it with --security-opt systempaths=unconfined'],
  [/bwrap: (not found|No such file)|exec: bwrap|failed to execute bwrap/, `install bubblewrap: ${setupLine}`],
]

export function fixFor(words: string): string {
  const fix = fixes.find(([pattern]) => pattern.test(words))?.[1]
  return fix ? ` (${fix})` : ''
}
