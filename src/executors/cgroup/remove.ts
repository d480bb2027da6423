import { readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Just after its last process died a cgroup is often still busy for a moment (5 to 45 of 100, measured), so: again,
 * after 1, 2, 4 ms … for up to 5 s. False when it is still there.
 */
export async function removeCgroup(dir: string): Promise<boolean> {
  const giveUpAt = performance.now() + 5000
  for (let wait = 1; ; wait = Math.min(wait * 2, 250)) {
    try {
      await rmdir(dir)
      return true
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return true
      if (code !== 'EBUSY' && code !== 'ENOTEMPTY') return false
      // A job in its own cgroup namespace may have made children, where it was given the right to.
      for (const child of await childrenOf(dir)) await removeCgroup(child)
      if (performance.now() > giveUpAt) return false
      await sleep(wait)
    }
  }
}

async function childrenOf(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(dir, entry.name))
}
