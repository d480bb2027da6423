/**
 * Between the check of a path and its mount, whoever may write above it can put a link in its place, and the engine
 * follows it as root (S6). The container has no command yet: what really appears in it is compared with what was allowed.
 */
import { stat } from 'node:fs/promises'
import { StartRefused } from '../executor.ts'
import type { AllowedPath } from '../sandbox/policy.ts'

export async function mustBeShown(pid: number, paths: AllowedPath[]): Promise<void> {
  // An engine whose processes this host does not have.
  if (pid === 0) return
  for (const { path, real } of paths) {
    const [wanted, there] = await Promise.all([identity(real), identity(`/proc/${pid}/root${path}`)])
    // Not root: the other side cannot be seen, and a window as short as the making of a container is left.
    if (there === 'closed' || wanted === there) continue
    throw new StartRefused('refused', `${path} was exchanged for something else while its container was made`)
  }
}

async function identity(path: string): Promise<string> {
  try {
    const { dev, ino } = await stat(path)
    return `${dev}:${ino}`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EACCES' || code === 'EPERM' ? 'closed' : 'missing'
  }
}
