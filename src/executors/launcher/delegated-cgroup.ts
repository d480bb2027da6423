/**
 * cgroup v2 without root: a process may enter only cgroups of a tree that was delegated to its user and that it is in
 * itself. So the client starts the launcher in a systemd scope of its own (`Delegate=yes`), and the launcher makes room
 * there: itself into a leaf, the controllers handed down to `jobs`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Set by the client when it started the launcher in a scope of its own. */
export const ownScopeEnv = 'RUNYARD_LAUNCHER_SCOPE'

export function claimDelegatedCgroup(): string | null {
  if (process.env[ownScopeEnv] !== '1') return null
  try {
    const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
    if (!own || own === '/') return null
    const dir = join('/sys/fs/cgroup', own)
    const jobs = join(dir, 'jobs')
    mkdirSync(join(dir, 'launcher'), { recursive: true })
    mkdirSync(jobs, { recursive: true })
    // A cgroup with processes of its own cannot hand controllers down.
    writeFileSync(join(dir, 'launcher', 'cgroup.procs'), String(process.pid))
    for (const at of [dir, jobs]) handDown(at)
    return jobs
  } catch {
    return null
  }
}

/** One by one: a controller that cannot be had must not cost the others. */
export function handDown(dir: string): void {
  const offered = readFileSync(join(dir, 'cgroup.controllers'), 'latin1').trim().split(' ')
  for (const controller of ['cpu', 'memory', 'pids', 'io'].filter((name) => offered.includes(name))) {
    try {
      writeFileSync(join(dir, 'cgroup.subtree_control'), `+${controller}`)
    } catch {
      // Named by the probe as a limit that does not hold.
    }
  }
}
