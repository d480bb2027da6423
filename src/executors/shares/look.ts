/**
 * A look at a shared directory, which may lie on a file server that has gone: whatever touches it does so in a child
 * process with a deadline, so that no thread of ours ever waits for a dead server. A child that cannot even be killed
 * stays behind alone: while it is there the share is not looked at again.
 */
import { spawn } from 'node:child_process'

export interface Entry {
  /** Without links. */
  real: string
  uid: number
  gid: number
  directory: boolean
}

/** In the order of the paths asked for; null for one that does not exist. `stale`: why nothing is known. */
export type Look = { entries: (Entry | null)[] } | { stale: string }

export const lookWithinMs = 2000

/** The first words go to the server whatever the kernel still remembers of it. */
const script = `stat -f -- "$1" >/dev/null || exit 3
for path do
  if realpath -ez -- "$path"; then stat -L --printf='%u %g %F\\0' -- "$path"; else printf '\\0\\0'; fi
done`
/** What an error of the file system and no missing name says. */
const troubles = /stale file handle|input\/output error|transport endpoint|timed out|host is down|no route|connection/i

const stuck = new Set<string>()

export interface LookOptions {
  withinMs?: number
  /** For tests: instead of the script above. */
  command?: string[]
}

/** `dir` first, then paths in it. */
export function lookIn(dir: string, paths: string[], options: LookOptions = {}): Promise<Look> {
  const { withinMs = lookWithinMs, command = ['/bin/sh', '-c', script, 'sh'] } = options
  if (stuck.has(dir)) return Promise.resolve({ stale: 'an earlier look at it still hangs' })
  return new Promise((resolve) => {
    const [program = '', ...words] = command
    const child = spawn(program, [...words, dir, ...paths], {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      detached: true,
    })
    let out = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
    const late = setTimeout(() => {
      if (child.pid !== undefined) {
        stuck.add(dir)
        killGroup(child.pid)
      }
      for (const pipe of [child.stdout, child.stderr]) pipe.destroy()
      child.unref()
      resolve({ stale: `no answer within ${withinMs / 1000} s` })
    }, withinMs)
    child.once('exit', () => stuck.delete(dir))
    child.once('error', (error) => {
      clearTimeout(late)
      resolve({ stale: `cannot be looked at: ${error.message}` })
    })
    child.once('close', (code) => {
      clearTimeout(late)
      resolve(lookOf(out, errors, code, paths.length + 1))
    })
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended this very moment.
  }
}

function lookOf(out: string, errors: string, code: number | null, count: number): Look {
  const trouble = errors.split('\n').find((line) => troubles.test(line))
  if (trouble !== undefined) return { stale: trouble.slice(trouble.lastIndexOf(': ') + 2).toLowerCase() }
  if (code === 3) return { entries: Array.from({ length: count }, () => null) }
  const fields = out.split('\0')
  return { entries: Array.from({ length: count }, (_, i) => entryOf(fields[2 * i], fields[2 * i + 1])) }
}

function entryOf(real = '', said = ''): Entry | null {
  const [, uid, gid, kind] = /^(\d+) (\d+) (.*)$/.exec(said) ?? []
  return real === '' || kind === undefined
    ? null
    : { real, uid: Number(uid), gid: Number(gid), directory: kind === 'directory' }
}
