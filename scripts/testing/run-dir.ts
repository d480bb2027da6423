/**
 * A directory that is TMPDIR to one test run. Whatever a test leaves behind, file or process, is found by its path, and
 * another run on the same machine is not mistaken for this one.
 */
import { chmodSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const parent = '/tmp'
const prefix = 'ry-'
const owner = '.owner'

/** Those of runs that were killed: nobody else will. */
function removeAbandoned(): void {
  for (const name of readdirSync(parent).filter((each) => each.startsWith(prefix))) {
    const dir = join(parent, name)
    try {
      process.kill(Number(readFileSync(join(dir, owner), 'utf8')), 0)
    } catch (error) {
      // No owner: not of a test run. Another user's: theirs to remove.
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') rmSync(dir, { recursive: true, force: true })
    }
  }
}

export function makeRunDir(): string {
  removeAbandoned()
  // As short as can be: sockets go below it.
  const dir = mkdtempSync(join(parent, prefix))
  writeFileSync(join(dir, owner), String(process.pid))
  chmodSync(dir, 0o1777)
  return dir
}

function worksIn(pid: string, dir: string): boolean {
  const facts = [
    () => readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
    () => readFileSync(`/proc/${pid}/environ`, 'utf8'),
    () => readlinkSync(`/proc/${pid}/cwd`),
  ]
  return facts.some((read) => {
    try {
      return read().includes(dir)
    } catch {
      return false
    }
  })
}

function processesOf(dir: string): string[] {
  let pids: string[]
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  } catch {
    return []
  }
  return pids.filter((pid) => worksIn(pid, dir))
}

const nameOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .replaceAll(/[\0\s]+/g, ' ')
      .slice(0, 150)
  } catch {
    return 'gone by now'
  }
}

/** What of the run is still there after a moment of patience: processes first, files otherwise. */
export async function leftBehind(dir: string, patienceMs = 5000): Promise<string[]> {
  const end = performance.now() + patienceMs
  let pids = processesOf(dir)
  while (pids.length > 0 && performance.now() < end) {
    await sleep(100)
    pids = processesOf(dir)
  }
  if (pids.length > 0) return pids.map((pid) => `process ${pid}: ${nameOf(pid)}`)
  return readdirSync(dir)
    .filter((name) => !name.startsWith('.') && !name.startsWith('node-compile-cache'))
    .map((name) => `file ${join(dir, name)}`)
}

export const removeRunDir = (dir: string): void => rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
