/** Directories of a test run, removed even when the run is interrupted; what a killed run left is removed by the next. */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'runyard-test-'

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function removeStaleScratch(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(/^runyard-test-(\d+)-/.exec(name)?.[1])
    if (!pid || isAlive(pid)) continue
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true })
    } catch {
      // Another user's; theirs to remove.
    }
  }
}

/** Short (sockets go below it), and open to the user PostgreSQL runs as when we are root. */
export function scratchDir(label = ''): string {
  const dir = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-${label}`))
  chmodSync(dir, 0o711)
  return dir
}

export const removeScratch = (dir: string): void => rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
