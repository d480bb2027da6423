/** Opens what a launch order wants its process to have, exactly these and nothing else. */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, existsSync, fstatSync, openSync, readlinkSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { LaunchFd } from './starter.ts'

// O_PATH is missing from Node's constants; the value is the same on every architecture we run on.
const O_PATH = 0o10000000
const flags = {
  read: constants.O_RDONLY,
  append: constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT,
  pipe: constants.O_RDWR,
  exact: O_PATH | constants.O_NOFOLLOW,
}

export interface HandOver {
  /** For `spawn`'s stdio: index = fd in the child. */
  stdio: (number | 'ignore')[]
  close(): void
}

export function openForChild(fds: LaunchFd[], privateDir: string): HandOver {
  const opened: number[] = []
  const close = (): void => {
    for (const fd of opened) closeSync(fd)
  }
  try {
    const stdio: (number | 'ignore')[] = ['ignore', 'ignore', 'ignore']
    for (const wanted of fds) {
      const fd = 'data' in wanted ? openData(wanted.data, privateDir) : openPath(wanted)
      opened.push(fd)
      // A hole would be an unopened number that the child's own files then get; /dev/null is a plain answer.
      while (stdio.length <= wanted.fd) stdio.push('ignore')
      stdio[wanted.fd] = fd
    }
    return { stdio, close }
  } catch (error) {
    close()
    throw error
  }
}

function openPath(wanted: Exclude<LaunchFd, { data: Buffer }>): number {
  const fd = openSync(wanted.path, flags[wanted.open], 0o600)
  if (wanted.open !== 'exact') return fd
  const actual = readlinkSync(`/proc/self/fd/${fd}`)
  // O_PATH opens a link itself, under its own name.
  if (actual === wanted.path && !fstatSync(fd).isSymbolicLink()) return fd
  closeSync(fd)
  throw new NotExact(wanted.path, actual)
}

export class NotExact extends Error {
  constructor(path: string, actual: string) {
    super(`${path} is now ${actual === path ? 'a link' : actual}`)
    this.name = 'NotExact'
  }
}

/** An unlinked file in memory, read position 0. */
function openData(bytes: Buffer, privateDir: string): number {
  const dir = existsSync('/dev/shm') ? '/dev/shm' : privateDir
  const path = join(dir, `runyard-${randomBytes(12).toString('hex')}`)
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  unlinkSync(path)
  let written = 0
  while (written < bytes.length) written += writeSync(fd, bytes, written, bytes.length - written, written)
  return fd
}
