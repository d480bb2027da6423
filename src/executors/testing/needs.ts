/** What the tests of this folder need from the host; each answer is the reason to skip, or false. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { cgroupMounts } from '../cgroup/mounts.ts'
import { onPath } from '../launcher/spawn-launcher.ts'

/** Run by itself only to see whether another user can. */
function isMain(): string | false {
  return process.argv[1] === import.meta.filename && 'run by itself'
}

const say = (reason: string | false): string | false => {
  if (reason !== false) process.stderr.write(`skipped: ${reason}\n`)
  return reason
}

function sandboxMissing(): string | false {
  if (onPath('bwrap') === null) return 'bubblewrap is not installed'
  try {
    execFileSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', '/bin/sh', '-c', 'exit 0'], { stdio: 'pipe' })
    return false
  } catch (error) {
    return `no sandbox starts here: ${String((error as { stderr?: Buffer }).stderr).trim()}`
  }
}

function cgroupsMissing(): string | false {
  if (process.getuid?.() !== 0) return 'cgroup tests need root'
  const { v1, v2 } = cgroupMounts()
  const memory = v1.get('memory') ?? v2
  if (!memory) return 'no cgroup file system is mounted'
  try {
    accessSync(memory, constants.W_OK)
    return false
  } catch {
    return `${memory} is not writable`
  }
}

/** A checkout below a closed home cannot be used by another user. */
function closedToOthers(): string | false {
  if (process.getuid?.() !== 0) return 'switching users needs root'
  const identity = ['--reuid=391777', '--regid=391777', '--clear-groups']
  try {
    execFileSync('setpriv', [...identity, process.execPath, '--no-warnings', import.meta.filename], { stdio: 'pipe' })
    return false
  } catch {
    return 'this checkout cannot be read by other users'
  }
}

export const noSandbox = say(sandboxMissing())
export const noCgroups = say(noSandbox || cgroupsMissing())
export const notRoot = say(process.getuid?.() === 0 ? false : 'switching users needs root')
export const closedCheckout = say(isMain() || closedToOthers())
export const noPerl = say(
  onPath('perl') === null ? 'perl is not installed (the tests make system calls with it)' : false,
)
