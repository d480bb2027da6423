/** Did the command ever run? What is known at the end of a process, and what its user should read. */
import { constants as os } from 'node:os'
import { getSystemErrorMessage } from 'node:util'
import { StartRefused, type AttemptOrder } from '../executor.ts'
import type { LaunchFailure } from '../launcher/starter.ts'
import { cannotRun, refusalOf } from '../sandbox/status.ts'

export interface Death {
  /** Of the process that was started: the command, or bubblewrap's monitor. */
  code: number | null
  signal: string | null
  /** Processes that could not be killed. */
  remaining?: number
  oomKills?: number
  /** The command's exit code by bubblewrap's report; null when there was none. */
  reported?: number | null
  /** Of a sandbox that was built ahead: why it could not become the command. */
  execFailed?: string | null
  refused?: StartRefused
  /** Nobody will hear how it ended. */
  lost?: string
}

/** The starter's words. */
export function failedToStart({ errno, what }: LaunchFailure, order: AttemptOrder): StartRefused {
  const why = errno === 0 ? '' : getSystemErrorMessage(-errno)
  if (what === 'exec') {
    if (order.spec.isolation === 'none') return cannotRun(order.spec.command[0] ?? '', sentence(errno))
    if (errno === os.errno.ENOENT) return refusalOf('bwrap: not found', order.spec.command)
    return cannotRun('bwrap', sentence(errno))
  }
  if (what.startsWith('chdir')) {
    return new StartRefused('start', `cannot enter the working directory ${order.spec.working_dir ?? ''}: ${why}`)
  }
  const is = /^open (?<path>.*) is now (?<actual>.*)$/s.exec(what)
  if (is?.groups) return new StartRefused('refused', `${is.groups.path} is now ${is.groups.actual}`)
  return new StartRefused('infrastructure', `cannot start the job: ${what}${why === '' ? '' : `: ${why}`}`)
}

/** In the words of the C library, which bubblewrap uses too. */
function sentence(errno: number): string {
  if (errno === os.errno.ENOENT) return 'No such file or directory'
  if (errno === os.errno.EACCES || errno === os.errno.EISDIR) return 'Permission denied'
  if (errno === os.errno.E2BIG) return 'Argument list too long'
  return getSystemErrorMessage(-errno)
}

/** Only words that begin like those of a program of ours can be the reason. */
export function neverRan(
  death: Death,
  order: AttemptOrder,
  words: string,
  forewords: string[],
): StartRefused | undefined {
  const { code, signal, oomKills = 0, reported = null, execFailed = null } = death
  if (execFailed !== null) return cannotRun(order.spec.command[0] ?? '', execFailed)
  const isolated = order.spec.isolation === 'full'
  if (!isolated && forewords.length === 0) return undefined
  // Killed before it could say anything, by the kernel for memory or by somebody: that is how it ended.
  if (signal !== null || (reported === null && oomKills > 0)) return undefined
  const ours = forewords.some((prefix) => words.startsWith(prefix))
  const silent = isolated && reported === null
  const before = ours && (code === 125 || /^(setpriv|prlimit): failed to execute /.test(words))
  return silent || before ? refusalOf(ours ? words : '', order.spec.command) : undefined
}
